/**
 * Stands in for Electron where its binary can't be had: the part of its API that the application uses, over a real Chromium.
 * What the application tells the system is kept, and asked for by tests over the process's own channel.
 */
import { fork } from 'node:child_process';
import { EventEmitter } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';

/** Where Chromium believes the page to be: it does not know app://. */
const outside = 'https://app.studio';
const inside = 'app://studio';

const reported = {
  privileges: [] as unknown[],
  protocols: [] as string[],
  tray: undefined as { tooltip: string; menu: MenuItem[]; sizes: number[] } | undefined,
  reloads: 0,
  ended: 0,
  windows: [] as Record<string, unknown>[],
  menu: [] as MenuItem[],
  questions: [] as unknown[],
  notifications: [] as unknown[],
  opened: [] as string[],
  shown: [] as string[],
  progress: [] as number[],
  blockers: 0,
  sandboxed: false,
  permissions: {} as Record<string, boolean>,
};
let answer = 2;
/** The question that is open and that nothing has answered. */
let unanswered: ((answer: number) => void) | undefined;
/** Utility processes. */
const started: { entry: string; pid: number }[] = [];

interface MenuItem {
  label?: string;
  role?: string;
  accelerator?: string;
  enabled?: boolean;
  submenu?: MenuItem[];
  click?: () => void;
}

class Preventable {
  defaultPrevented = false;
  url = '';
  preventDefault(): void {
    this.defaultPrevented = true;
  }
}

const browser: Promise<Browser> = chromium.launch({
  executablePath: process.env.CHROMIUM!,
  args: ['--no-sandbox', `--remote-debugging-port=${process.env.DEBUG_PORT}`],
});

class App extends EventEmitter {
  isPackaged = false;
  requestSingleInstanceLock = (sent: unknown) => ((this.sent = sent), true);
  sent: unknown;
  setAsDefaultProtocolClient = (scheme: string) => reported.protocols.push(scheme);
  whenReady = async () => void (await browser);
  getPath = () => process.env.USER_DATA!;
  enableSandbox = () => void (reported.sandboxed = true);
  quit(): void {
    const event = new Preventable();
    this.emit('before-quit', event);
    if (!event.defaultPrevented) this.exit(0);
  }
  exit(code: number): void {
    void browser.then((b) => b.close()).finally(() => process.exit(code));
  }
}
export const app = new App();

let handler: (request: Request) => Promise<Response>;
export const protocol = {
  registerSchemesAsPrivileged: (schemes: unknown[]) => void (reported.privileges = schemes),
  handle: (_scheme: string, handle: typeof handler) => void (handler = handle),
};

export const net = {
  async fetch(url: string): Promise<Response> {
    const file = fileURLToPath(url);
    if (!fs.existsSync(file)) throw new Error('net::ERR_FILE_NOT_FOUND');
    const types: Record<string, string> = {
      html: 'text/html',
      js: 'text/javascript',
      css: 'text/css',
      svg: 'image/svg+xml',
    };
    return new Response(fs.readFileSync(file), {
      headers: { 'content-type': types[path.extname(file).slice(1)] ?? '' },
    });
  },
};

/** One end of a channel. What comes from its other end goes to the process that the end was handed to, else to its listeners. */
class MessagePortMain extends EventEmitter {
  /** To the other end. */
  readonly #post: (data: unknown) => void;
  readonly #closeOther: () => void;
  #carrier: { message(data: unknown): void; close(): void } | undefined;
  #isClosed = false;
  /** What came before the end was started or handed over. */
  #waiting: unknown[] | undefined = [];

  constructor(post: (data: unknown) => void, closeOther: () => void = () => {}) {
    super();
    this.#post = post;
    this.#closeOther = closeOther;
  }
  postMessage = (data: unknown) => this.#post(data);
  start(): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    for (const data of waiting) this.receive(data);
  }
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.emit('close');
    this.#closeOther();
  }
  handOver(carrier: { message(data: unknown): void; close(): void }): void {
    this.#carrier = carrier;
  }
  /** From the other end. */
  receive(data: unknown): void {
    if (this.#waiting) this.#waiting.push(data);
    else if (this.#carrier) this.#carrier.message(data);
    else this.emit('message', { data });
  }
  /** The other end is gone. */
  lose(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#carrier) this.#carrier.close();
    else this.emit('close');
  }
}

export class MessageChannelMain {
  readonly port1: MessagePortMain = new MessagePortMain(
    (data) => this.port2.receive(data),
    () => this.port2.lose(),
  );
  readonly port2: MessagePortMain = new MessagePortMain(
    (data) => this.port1.receive(data),
    () => this.port1.lose(),
  );
}

export const ipcMain = new EventEmitter();

/** Strings and bytes, which are all that the API sends, through a channel that knows JSON only. */
const pack = (data: unknown): unknown =>
  typeof data === 'string' ? data : { bytes: Buffer.from(data as Uint8Array).toString('base64') };
const unpack = (data: unknown): unknown =>
  typeof data === 'string' ? data : new Uint8Array(Buffer.from((data as { bytes: string }).bytes, 'base64'));

/** In the page: what a preload script finds in `electron`. */
const preloadWorld = (preload: string): string => `(() => {
  const ports = [];
  // Electron's own: a port learns that its other end is gone. The page's ends arrive in the order in which it asked for them.
  const ends = [];
  addEventListener('message', ({ data, ports: [end] }) => { if (data === 'trainyard') ends.push(end); });
  window.__closePort = (id) => { ports[id].close(); ends[id].dispatchEvent(new Event('close')); };
  window.__toPort = (id, data) => ports[id].postMessage(typeof data === 'string' ? data : Uint8Array.from(atob(data.bytes), (c) => c.charCodeAt(0)));
  const pack = (data) => typeof data === 'string' ? data : { bytes: btoa(String.fromCharCode(...new Uint8Array(data.buffer ?? data))) };
  const electron = {
    webUtils: { getPathForFile: (file) => '/dropped/' + file.name },
    contextBridge: { exposeInMainWorld: (name, value) => Object.defineProperty(window, name, { value }) },
    ipcRenderer: {
      postMessage(channel, message, [port]) {
        const id = ports.push(port) - 1;
        port.onmessage = (event) => window.__fromPort(id, pack(event.data));
        window.__ipc(channel, id);
      },
    },
  };
  ((require, module, exports) => { ${preload} })(() => electron, { exports: {} }, {});
})();`;

class WebContents extends EventEmitter {
  page!: Page;
  reload(): void {
    reported.reloads++;
    void this.page.reload().catch(() => {});
  }
  /** As Electron does, which tells it later. */
  forcefullyCrashRenderer(): void {
    reported.ended++;
    setImmediate(() => this.emit('render-process-gone', {}, { reason: 'killed', exitCode: 9 }));
  }
  #openHandler: (details: { url: string }) => { action: string } = () => ({ action: 'allow' });
  setWindowOpenHandler = (handle: (details: { url: string }) => { action: string }) =>
    void (this.#openHandler = handle);
  executeJavaScript = (script: string) => this.page.evaluate(script);
  wouldOpen = (url: string) => this.#openHandler({ url }).action;
}

export class BrowserWindow extends EventEmitter {
  static readonly all: BrowserWindow[] = [];
  readonly webContents = new WebContents();
  readonly #options: { webPreferences: { preload: string } };
  #visible = false;
  focused = false;

  constructor(options: Record<string, unknown> & { webPreferences: { preload: string } }) {
    super();
    this.#options = options;
    reported.windows.push({ ...options });
    BrowserWindow.all.push(this);
    app.emit('web-contents-created', {}, this.webContents);
  }

  async loadURL(url: string): Promise<void> {
    const context = await (await browser).newContext({ viewport: { width: 1360, height: 900 } });
    const page = (this.webContents.page = await context.newPage());
    await page.route(`${outside}/**`, async (route) => {
      const response = await handler(new Request(route.request().url().replace(outside, inside)));
      const headers = Object.fromEntries(response.headers);
      await route.fulfill({ status: response.status, headers, body: Buffer.from(await response.arrayBuffer()) });
    });
    const ports: MessagePortMain[] = [];
    await page.exposeBinding('__ipc', (_source, channel: string, id: number) => {
      ports[id] = new MessagePortMain(
        (data) =>
          void page
            .evaluate(
              ([i, d]) => (globalThis as never as { __toPort(i: unknown, d: unknown): void }).__toPort(i, d),
              [id, pack(data)],
            )
            .catch(() => {}),
        () =>
          void page
            .evaluate((i) => (globalThis as never as { __closePort(i: unknown): void }).__closePort(i), id)
            .catch(() => {}),
      );
      ipcMain.emit(channel, { senderFrame: { url: page.url().replace(outside, inside) }, ports: [ports[id]] });
    });
    await page.exposeBinding('__fromPort', (_source, id: number, data: unknown) => ports[id]!.receive(unpack(data)));
    await page.addInitScript({ content: preloadWorld(fs.readFileSync(this.#options.webPreferences.preload, 'utf8')) });
    await page.goto(url.replace(inside, outside));
    this.emit('ready-to-show');
  }

  show(): void {
    this.#visible = true;
  }
  hide(): void {
    this.#visible = false;
  }
  focus(): void {}
  isDestroyed = () => !BrowserWindow.all.includes(this);
  restore(): void {}
  maximize(): void {}
  isMinimized = () => false;
  isMaximized = () => false;
  isFocused = () => this.focused;
  isVisible = () => this.#visible;
  getNormalBounds = () => ({ x: 10, y: 20, width: 1200, height: 800 });
  setProgressBar = (part: number) => void (reported.progress.at(-1) === part || reported.progress.push(part));
  /** As a user's click on the cross. */
  close(): void {
    const event = new Preventable();
    this.emit('close', event);
    if (event.defaultPrevented) return;
    BrowserWindow.all.splice(BrowserWindow.all.indexOf(this), 1);
    this.emit('closed');
    if (BrowserWindow.all.length === 0) app.emit('window-all-closed');
  }
}

export const Menu = {
  buildFromTemplate: (template: MenuItem[]) => template,
  setApplicationMenu: (menu: MenuItem[]) => void (reported.menu = menu),
};

export const dialog = {
  showMessageBox: async (_window: unknown, question: { signal?: AbortSignal; cancelId: number }) => {
    const { signal, ...asked } = question;
    reported.questions.push(asked);
    if (answer >= 0) return { response: answer };
    // Nobody answers it for now: a test does, or the signal closes it.
    const response = await new Promise<number>((resolve) => {
      unanswered = resolve;
      signal?.addEventListener('abort', () => resolve(question.cancelId));
    });
    return { response };
  },
  showOpenDialog: async () => ({ canceled: false, filePaths: JSON.parse(process.env.PICKED ?? '[]') as string[] }),
  showErrorBox: (title: string, text: string) => void reported.questions.push({ title, text }),
};

export class Notification extends EventEmitter {
  readonly #options: unknown;
  constructor(options: unknown) {
    super();
    this.#options = options;
  }
  show = () => void reported.notifications.push(this.#options);
}

class NativeImage {
  sizes: number[];
  constructor(...sizes: number[]) {
    this.sizes = sizes;
  }
  resize = ({ width }: { width: number }) => new NativeImage(width);
  toPNG = () => Buffer.from([this.sizes[0]!]);
  addRepresentation = ({ buffer }: { buffer: Buffer }) => void this.sizes.push(buffer[0]!);
}
export const nativeImage = {
  createEmpty: () => new NativeImage(),
  createFromPath: (file: string) => new NativeImage(fs.readFileSync(file).readUInt32BE(16)),
};

export class Tray extends EventEmitter {
  readonly #shown: NonNullable<(typeof reported)['tray']>;
  constructor(image: NativeImage) {
    super();
    if (process.env.NO_TRAY) throw new Error('Failed to create a tray icon');
    this.#shown = reported.tray = { tooltip: '', menu: [], sizes: image.sizes };
    trays.push(this);
  }
  setToolTip = (text: string) => void (this.#shown.tooltip = text);
  setContextMenu = (menu: MenuItem[]) => void (this.#shown.menu = menu);
}
const trays: Tray[] = [];

export const powerSaveBlocker = {
  start: () => (reported.blockers++, 7),
  stop: () => void reported.blockers--,
};

export const powerMonitor = new EventEmitter();

export const nativeTheme = { shouldUseDarkColors: true, themeSource: 'system' };
export const screen = { getAllDisplays: () => [{ workArea: { x: 0, y: 0, width: 1920, height: 1080 } }] };
export const shell = {
  openExternal: async (url: string) => void reported.opened.push(url),
  showItemInFolder: (file: string) => void reported.shown.push(file),
  openPath: async (file: string) => (reported.opened.push(file), ''),
};
export const session = {
  defaultSession: {
    setPermissionRequestHandler: (handle: (contents: unknown, name: string, done: (ok: boolean) => void) => void) =>
      handle(null, 'notifications', (ok) => (reported.permissions.request = ok)),
    setPermissionCheckHandler: (handle: () => boolean) => void (reported.permissions.check = handle()),
    setDevicePermissionHandler: (handle: () => boolean) => void (reported.permissions.device = handle()),
  },
};

export const utilityProcess = {
  fork(entry: string) {
    const execArgv = ['--import', pathToFileURL(path.join(import.meta.dirname, 'parentPort.mjs')).href];
    const child = fork(entry, { execArgv, serialization: 'advanced', stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    const handed = new Map<number, MessagePortMain>();
    const send = (message: unknown) => void (child.connected && child.send(message as never));
    const utility = Object.assign(new EventEmitter(), {
      pid: child.pid,
      kill: () => child.kill(),
      postMessage(data: unknown, ports: MessagePortMain[] = []) {
        const ids = ports.map((port) => {
          const id = handed.size;
          handed.set(id, port);
          port.handOver({ message: (said) => send({ port: id, data: said }), close: () => send({ closed: id }) });
          return id;
        });
        send({ data, ports: ids });
        for (const port of ports) port.start();
      },
    });
    child.on('message', (message: { port?: number; closed?: number; data?: unknown }) => {
      if (message.closed !== undefined) handed.get(message.closed)?.close();
      else if (message.port === undefined) utility.emit('message', message.data);
      else handed.get(message.port)!.postMessage(message.data);
    });
    child.on('close', (code) => {
      for (const port of handed.values()) port.close();
      utility.emit('exit', code ?? 1);
    });
    started.push({ entry: path.basename(entry), pid: child.pid! });
    return utility;
  },
};

/** What a test asks for. */
type Request_ =
  | { ask: 'reported' }
  | { ask: 'close'; answer: number }
  | { ask: 'menu'; label: string }
  | { ask: 'tray'; label?: string; answer?: number }
  | { ask: 'gone'; reason: string; answer?: number }
  | { ask: 'hangs' }
  | { ask: 'respondsAgain' }
  | { ask: 'answer'; answer: number }
  | { ask: 'secondStart'; sent: unknown; folder: string }
  | { ask: 'openUrl' | 'openFile'; what: string }
  | { ask: 'navigate'; url: string }
  | { ask: 'open'; url: string }
  | { ask: 'connectFrom'; url: string }
  | { ask: 'shutdown' }
  | { ask: 'sessionEnd' }
  | { ask: 'activate' };

const findItem = (items: MenuItem[], label: string): MenuItem | undefined =>
  items.find((i) => i.label === label) ?? items.flatMap((i) => i.submenu ?? []).find((i) => i.label === label);

process.on('message', (request: Request_ & { id: number }) => {
  const [window] = BrowserWindow.all;
  let result: unknown;
  if (request.ask === 'reported')
    result = { ...JSON.parse(JSON.stringify({ ...reported, started })), visible: window?.isVisible() ?? false };
  else if (request.ask === 'close') {
    answer = request.answer;
    window!.close();
  } else if (request.ask === 'menu') findItem(reported.menu, request.label)!.click!();
  else if (request.ask === 'tray') {
    answer = request.answer ?? answer;
    if (request.label === undefined) trays[0]!.emit('click');
    else findItem(reported.tray!.menu, request.label)!.click!();
  } else if (request.ask === 'gone') {
    answer = request.answer ?? answer;
    window!.webContents.emit('render-process-gone', {}, { reason: request.reason, exitCode: 11 });
  } else if (request.ask === 'hangs') {
    answer = -1;
    window!.emit('unresponsive');
  } else if (request.ask === 'respondsAgain') window!.emit('responsive');
  else if (request.ask === 'answer') unanswered!(request.answer);
  else if (request.ask === 'secondStart') app.emit('second-instance', {}, [], request.folder, request.sent);
  else if (request.ask === 'openUrl' || request.ask === 'openFile') {
    const event = new Preventable();
    app.emit(request.ask === 'openUrl' ? 'open-url' : 'open-file', event, request.what);
    result = event.defaultPrevented;
  } else if (request.ask === 'navigate') {
    const event = new Preventable();
    event.url = request.url;
    window!.webContents.emit('will-navigate', event);
    result = event.defaultPrevented;
  } else if (request.ask === 'open') result = window!.webContents.wouldOpen(request.url);
  else if (request.ask === 'connectFrom') {
    let closed = false;
    const port = new MessagePortMain(() => {});
    port.on('close', () => (closed = true));
    ipcMain.emit('connect', { senderFrame: { url: request.url }, ports: [port] });
    result = closed;
  } else if (request.ask === 'shutdown') {
    const event = new Preventable();
    powerMonitor.emit('shutdown', event);
    result = event.defaultPrevented;
  } else if (request.ask === 'sessionEnd') window!.emit('session-end', {});
  else app.emit('activate');
  process.send!({ id: request.id, result });
});
