/** A page in headless Chromium, by its debugging protocol: what it logs, and what it has drawn. */
import { pathToFileURL } from "node:url";

import { works } from "../support/needs.ts";

/** Where Chromium is, if it is installed and starts. */
export function findChromium(): string | undefined {
  for (const name of ["chromium", "chromium-browser", "google-chrome"]) {
    for (const folder of (Deno.env.get("PATH") ?? "").split(":")) {
      try {
        const path = `${folder}/${name}`;
        // On some systems a file of this name only tells what to install.
        if (Deno.statSync(path).isFile && works(path, "--version")) return path;
      } catch {
        // Not there.
      }
    }
  }
  return undefined;
}

/** What a page did. */
export interface Visited<T> {
  /** Errors and warnings of the console, exceptions, and whatever it tried to fetch. */
  readonly complaints: readonly string[];
  readonly value: T;
}

/** Opens a file, waits until it is loaded, and evaluates an expression in it. */
export async function visit<T>(
  chromium: string,
  { path, expression }: { path: string; expression: string },
): Promise<Visited<T>> {
  const profile = await Deno.makeTempDir({ prefix: "shoal-chromium-" });
  const child = new Deno.Command(chromium, {
    args: [
      "--headless=new",
      "--no-sandbox",
      "--disable-gpu",
      "--no-first-run",
      "--disable-dev-shm-usage",
      "--window-size=1000,1400",
      `--user-data-dir=${profile}`,
      "--remote-debugging-port=0",
      "about:blank",
    ],
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  try {
    const url = await endpoint(child.stderr);
    using session = await Session.open(url);
    return await session.visit<T>(pathToFileURL(path).href, expression);
  } finally {
    child.kill("SIGKILL");
    await child.status;
    // Its helpers may still write for a moment.
    for (let i = 0; i < 50; i++) {
      const gone = await Deno.remove(profile, { recursive: true }).then(() => true, () => false);
      if (gone) break;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

/** The address that the browser says it listens on. */
async function endpoint(stderr: ReadableStream<Uint8Array>): Promise<string> {
  let text = "";
  const reader = stderr.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`Cannot open Chromium: it ended: ${text}`);
    text += value;
    const [, url] = /DevTools listening on (ws:\S+)/.exec(text) ?? [];
    if (url === undefined) continue;
    // What it says later must not fill the pipe.
    (async () => {
      while (!(await reader.read()).done);
    })();
    return url;
  }
}

interface Message {
  readonly id?: number;
  readonly method?: string;
  // deno-lint-ignore no-explicit-any
  readonly params?: any;
  // deno-lint-ignore no-explicit-any
  readonly result?: any;
  readonly error?: { readonly message: string };
}

class Session implements Disposable {
  #socket: WebSocket;
  #next = 1;
  #waiting = new Map<number, (message: Message) => void>();
  #events: ((message: Message) => void)[] = [];

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.onmessage = ({ data }) => {
      const message: Message = JSON.parse(data);
      if (message.id !== undefined) this.#waiting.get(message.id)?.(message);
      else for (const see of this.#events) see(message);
    };
  }

  static async open(url: string): Promise<Session> {
    const socket = new WebSocket(url);
    await new Promise((resolve, reject) => {
      socket.onopen = resolve;
      socket.onerror = reject;
    });
    return new Session(socket);
  }

  async visit<T>(url: string, expression: string): Promise<Visited<T>> {
    const { targetId } = await this.#ask("Target.createTarget", { url: "about:blank" });
    const attached = await this.#ask("Target.attachToTarget", { targetId, flatten: true });
    const sessionId: string = attached.sessionId;
    const complaints: string[] = [];
    const loaded = Promise.withResolvers<void>();
    this.#events.push(({ method, params }) => {
      if (method === "Runtime.exceptionThrown") complaints.push(params.exceptionDetails.text);
      if (method === "Runtime.consoleAPICalled") complaints.push(JSON.stringify(params.args));
      if (method === "Log.entryAdded") complaints.push(params.entry.text);
      if (method === "Network.requestWillBeSent" && !/^(file|data):/.test(params.request.url)) {
        complaints.push(`asks for ${params.request.url}`);
      }
      if (method === "Page.loadEventFired") loaded.resolve();
    });
    for (const domain of ["Page", "Runtime", "Log", "Network"]) {
      await this.#ask(`${domain}.enable`, {}, sessionId);
    }
    await this.#ask("Page.navigate", { url }, sessionId);
    await loaded.promise;
    const { result, exceptionDetails } = await this.#ask(
      "Runtime.evaluate",
      { expression, returnByValue: true },
      sessionId,
    );
    if (exceptionDetails !== undefined) {
      throw new Error(`Cannot evaluate: ${JSON.stringify(exceptionDetails)}`);
    }
    return { complaints, value: result.value };
  }

  // deno-lint-ignore no-explicit-any
  async #ask(method: string, params: unknown, sessionId?: string): Promise<any> {
    const id = this.#next++;
    const { promise, resolve } = Promise.withResolvers<Message>();
    this.#waiting.set(id, resolve);
    this.#socket.send(JSON.stringify({ id, method, params, ...(sessionId && { sessionId }) }));
    const { result, error } = await promise;
    this.#waiting.delete(id);
    if (error !== undefined) throw new Error(`Cannot ${method}: ${error.message}`);
    return result;
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }
}
