import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import os from 'node:os';

/** Names under which a browser on this machine, or at the other end of an ssh tunnel, reaches a loopback server. */
const loopbackNames = new Set(['localhost', '127.0.0.1', '[::1]']);

/** Who may talk to the server: whoever was given the link. */
export class Access {
  readonly token: string;
  /** Cookies know no ports: two studios on one name, as behind two tunnels, must not log each other out. */
  readonly #cookieName: string;
  readonly #names: ReadonlySet<string>;

  /**
   * @param host that the server listens on
   * @param token of a server that is started again, which keeps its windows
   */
  constructor(host: string, token = randomBytes(24).toString('base64url')) {
    this.token = token;
    this.#cookieName = `trainyard-${createHash('sha256').update(token).digest('hex').slice(0, 12)}`;
    this.#names = new Set([...loopbackNames, ...namesOf(host)].map((n) => n.toLowerCase()));
  }

  /**
   * Whether a request was meant for this server: pages of other sites, and names that others point at this machine
   * (DNS rebinding), are refused. Through a tunnel the port may be another one.
   */
  isMeantForUs({ headers }: IncomingMessage): boolean {
    const { host = '', origin } = headers;
    if (!this.#names.has(host.replace(/:\d+$/, '').toLowerCase())) return false;
    return origin === undefined || origin === `http://${host}`;
  }

  isAllowed(request: IncomingMessage): boolean {
    const cookies = request.headers.cookie?.split(/;\s*/) ?? [];
    const prefix = `${this.#cookieName}=`;
    return cookies.some((c) => c.startsWith(prefix) && this.isToken(c.slice(prefix.length)));
  }

  /** In the same time for every wrong one. */
  isToken(given: string): boolean {
    const hash = (text: string) => createHash('sha256').update(text).digest();
    return timingSafeEqual(hash(given), hash(this.token));
  }

  /** Never sent along by other sites, nor read by scripts. */
  get cookie(): string {
    return `${this.#cookieName}=${this.token}; HttpOnly; SameSite=Strict; Path=/`;
  }
}

const bracketed = (host: string): string => (host.includes(':') ? `[${host}]` : host);
const everywhere = new Set(['0.0.0.0', '::']);

/** Names under which a server that listens on a host is reached: on all addresses, those of this machine. */
export function namesOf(host: string): string[] {
  if (!everywhere.has(host)) return [bracketed(host)];
  const addresses = Object.values(os.networkInterfaces()).flatMap((all) => all ?? []);
  // One that others reach comes first: it is printed.
  const order = addresses.toSorted(
    (a, b) => Number(a.internal) - Number(b.internal) || a.family.localeCompare(b.family),
  );
  return [...order.map((a) => bracketed(a.address)), os.hostname()];
}

export const isLoopback = (host: string): boolean => loopbackNames.has(host) || host === '::1';
