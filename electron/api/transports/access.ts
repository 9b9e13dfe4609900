import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

const cookieName = 'trainyard';

/** Names under which a browser on this machine, or at the other end of an ssh tunnel, reaches a loopback server. */
const loopbackNames = new Set(['localhost', '127.0.0.1', '[::1]']);

/** Who may talk to the server: whoever was given the link. */
export class Access {
  readonly token = randomBytes(24).toString('base64url');
  readonly #names: ReadonlySet<string>;

  /** @param host that the server listens on */
  constructor(host: string) {
    this.#names = new Set([...loopbackNames, host.includes(':') ? `[${host}]` : host]);
  }

  /**
   * Whether a request was meant for this server: pages of other sites, and names that others point at this machine
   * (DNS rebinding), are refused. Through a tunnel the port may be another one.
   */
  isMeantForUs({ headers }: IncomingMessage): boolean {
    const { host = '', origin } = headers;
    if (!this.#names.has(host.replace(/:\d+$/, ''))) return false;
    return origin === undefined || origin === `http://${host}`;
  }

  isAllowed(request: IncomingMessage): boolean {
    const cookies = request.headers.cookie?.split(/;\s*/) ?? [];
    return cookies.some((c) => c.startsWith(`${cookieName}=`) && this.isToken(c.slice(cookieName.length + 1)));
  }

  /** In the same time for every wrong one. */
  isToken(given: string): boolean {
    const hash = (text: string) => createHash('sha256').update(text).digest();
    return timingSafeEqual(hash(given), hash(this.token));
  }

  /** Never sent along by other sites, nor read by scripts. */
  get cookie(): string {
    return `${cookieName}=${this.token}; HttpOnly; SameSite=Strict; Path=/`;
  }
}

export const isLoopback = (host: string): boolean => loopbackNames.has(host) || host === '::1';
