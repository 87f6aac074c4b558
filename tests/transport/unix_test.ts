import { assert, assertEquals, assertRejects } from "@std/assert";
import { UserError } from "../../src/base/user_error.ts";
import type { Duplex } from "../../src/transport/bytes.ts";
import { ChannelError } from "../../src/transport/channel.ts";
import { bindUnix, dialUnix, keepUnix, listenUnix } from "../../src/transport/unix.ts";
import { channelContract } from "../contracts/channel.ts";
import { soon, until } from "./wire.ts";

const OPTIONS = { attempt: 1 };

/** A temporary folder. */
async function inFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await body(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

channelContract("unix", {
  async pair(options) {
    const folder = await Deno.makeTempDir();
    const listener = await listenUnix(`${folder}/s`, options);
    const [a, b] = await Promise.all([dialUnix(`${folder}/s`, options), listener.accept()]);
    listener.close();
    return { a, b, close: () => Deno.removeSync(folder, { recursive: true }) };
  },
  async raw(options) {
    const folder = await Deno.makeTempDir();
    const path = `${folder}/s`;
    const listener = await listenUnix(path, options);
    const [conn, a] = await Promise.all([
      Deno.connect({ transport: "unix", path }),
      listener.accept(),
    ]);
    listener.close();
    let isOpen = true;
    const b = {
      read: (p: Uint8Array) => conn.read(p),
      write: (p: Uint8Array) => conn.write(p),
      close() {
        if (isOpen) conn.close();
        isOpen = false;
      },
    };
    return { a, b, close: () => Deno.removeSync(folder, { recursive: true }) };
  },
});

Deno.test("listenUnix() creates folder and socket for the owner only, and removes the socket", async () => {
  await inFolder(async (folder) => {
    const path = `${folder}/deep/s`;
    const listener = await listenUnix(path, OPTIONS);
    assertEquals(((await Deno.stat(`${folder}/deep`)).mode ?? 0) & 0o777, 0o700);
    assertEquals(((await Deno.stat(path)).mode ?? 0) & 0o777, 0o600);
    listener.close();
    listener.close();
    await assertRejects(() => Deno.stat(path), Deno.errors.NotFound);
  });
});

Deno.test("listenUnix() refuses a folder that others may access", async () => {
  await inFolder(async (folder) => {
    await Deno.chmod(folder, 0o755);
    await assertRejects(() => listenUnix(`${folder}/s`, OPTIONS), UserError, "its mode is 0755");
  });
});

Deno.test("listenUnix() refuses a path that is taken or too long", async () => {
  await inFolder(async (folder) => {
    const listener = await listenUnix(`${folder}/s`, OPTIONS);
    await assertRejects(() => listenUnix(`${folder}/s`, OPTIONS), UserError, "a free path");
    listener.close();
    const long = `${folder}/${"é".repeat(50)}`;
    await assertRejects(() => listenUnix(long, OPTIONS), UserError, "at most 107 bytes");
  });
});

Deno.test("accept() rejects once the listener is closed", async () => {
  await inFolder(async (folder) => {
    const listener = await listenUnix(`${folder}/s`, OPTIONS);
    const pending = assertRejects(() => listener.accept(), ChannelError, "it is closed");
    listener.close();
    await pending;
    await assertRejects(() => listener.accept(), ChannelError, "it is closed");
  });
});

Deno.test("dialUnix() rejects if no process listens", async () => {
  await inFolder(async (folder) => {
    await assertRejects(() => dialUnix(`${folder}/s`, OPTIONS), ChannelError, "a listening socket");
  });
});

Deno.test("mend() binds a socket that stays despite an accept pending on the previous one", async () => {
  const dir = Deno.makeTempDirSync({ prefix: "shoal-kept-" });
  const path = `${dir}/c.sock`;
  const listener = await keepUnix(path, { interval: 60_000 });
  try {
    const accepting = listener.accept();
    for (let i = 0; i < 5; i++) {
      Deno.removeSync(path);
      await listener.mend();
      // The runtime removes a listener's path late, once no accept is pending.
      await new Promise((resolve) => setTimeout(resolve, 20));
      assertEquals(names(dir), ["c.sock"]);
    }
    const dialed = await Deno.connect({ transport: "unix", path });
    (await accepting)?.close();
    dialed.close();
  } finally {
    listener.close();
    Deno.removeSync(dir, { recursive: true });
  }
});

Deno.test("a removed socket is bound again, and accepted channels stay open", async () => {
  const dir = Deno.makeTempDirSync({ prefix: "shoal-kept-" });
  const path = `${dir}/in/c.sock`;
  const listener = await keepUnix(path, { interval: 20 });
  try {
    const inside: Duplex[] = [];
    let isOver = false;
    const accepting = (async () => {
      for (let d = await listener.accept(); d; d = await listener.accept()) inside.push(d);
      isOver = true;
    })();
    const dial = async () => {
      const before = inside.length;
      const connection = await Deno.connect({ transport: "unix", path });
      await until(() => inside.length > before);
      return connection;
    };
    const first = await dial();
    for (const gone of [path, `${dir}/in`]) {
      Deno.removeSync(gone, { recursive: true });
      // The owner must create the folder.
      if (gone !== path) {
        await assertRejects(() => listener.mend());
        Deno.mkdirSync(gone, { mode: 0o700 });
      }
      await until(() => names(`${dir}/in`).includes("c.sock"));
      (await dial()).close();
    }
    await first.write(Uint8Array.of(7));
    const p = new Uint8Array(1);
    assertEquals([await inside[0]?.read(p), p[0]], [1, 7]);
    first.close();
    listener.close();
    await soon(accepting);
    assert(isOver);
    for (const each of inside) each.close();
    assertEquals(names(`${dir}/in`), []);
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
});

Deno.test({
  name: "closing a socket removes nothing of a folder that was put in the place of its own",
  sanitizeResources: false, // The socket stays open until the process ends.
  sanitizeOps: false,
  fn: () =>
    inFolder(async (folder) => {
      for (const listen of [(path: string) => keepUnix(path), bindUnix]) {
        const [path, mine] = [`${folder}/in/c.sock`, `${folder}/mine`];
        Deno.mkdirSync(mine);
        Deno.writeTextFileSync(`${mine}/c.sock`, "mine");
        const listener = await listen(path);
        const accepting = listener.accept();
        Deno.renameSync(`${folder}/in`, `${folder}/moved`);
        Deno.symlinkSync("mine", `${folder}/in`);
        listener.close();
        assertEquals(await soon(accepting), undefined);
        assertEquals(Deno.readTextFileSync(`${mine}/c.sock`), "mine");
        for (const name of ["in", "moved", "mine"]) {
          Deno.removeSync(`${folder}/${name}`, { recursive: true });
        }
      }
    }),
});

function names(path: string): string[] {
  return Array.from(Deno.readDirSync(path), ({ name }) => name);
}
