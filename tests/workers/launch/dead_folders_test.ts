/** Folders of sockets that dead runs left are removed, and nothing else is, whatever it is called. */
import { assert, assertEquals } from "@std/assert";
import { removeDeadFolders } from "../../../workers/launch/dead_folders.ts";
import { openSocketFolder, SocketFolder } from "../../../workers/launch/socket_folder.ts";

/** A folder for temporary files, gone afterwards. */
class Tmp implements Disposable {
  readonly path = Deno.makeTempDirSync({ prefix: "shoal-tmp-" });
  #number = 0;

  /** A folder as a run makes it. */
  folder(mode = 0o700, name = `shoal-run-${(0xabcdef01 + this.#number++).toString(16)}`): string {
    const path = `${this.path}/${name}`;
    Deno.mkdirSync(path);
    Deno.chmodSync(path, mode);
    return path;
  }

  /** The same, with sockets without listeners. */
  async dead(mode?: number, name?: string): Promise<string> {
    const path = this.folder(mode, name);
    await this.leave(`${path}/c.sock`);
    await this.leave(`${path}/w12.sock`);
    Deno.symlinkSync("/nowhere,with/commas", `${path}/link-0123456789abcdef`);
    return path;
  }

  /** A socket as a process leaves it that is killed. */
  async leave(path: string): Promise<void> {
    const code = `Deno.listen({ transport: "unix", path: ${JSON.stringify(path)} });` +
      `Deno.kill(Deno.pid, "SIGKILL");`;
    await new Deno.Command(Deno.execPath(), {
      args: ["eval", "--no-lock", code],
      stderr: "null",
    }).output();
    assert(Deno.lstatSync(path).isSocket);
  }

  names(): string[] {
    return Array.from(Deno.readDirSync(this.path), ({ name }) => name).sort();
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.path, { recursive: true });
  }
}

Deno.test("a dead run's folder is removed; one in use, and whatever is none, stays", async () => {
  using tmp = new Tmp();
  using own = new SocketFolder(tmp.folder());
  const dead = await tmp.dead();
  const empty = tmp.folder(); // of a run that was killed while it closed
  const older = tmp.folder(0o700, "shoal-bbbbbbbbbbbbbbbb");
  Deno.utimeSync(older, 0, 0);
  // A folder for temporary files of another program, which may have just made it.
  const fresh = tmp.folder(0o700, "shoal-cccccccccccccccc");

  const held = new SocketFolder(await tmp.dead());
  const listened = tmp.folder();
  const listener = Deno.listen({ transport: "unix", path: `${listened}/c.sock` });
  const open = await tmp.dead(0o755);
  const named = await tmp.dead(0o700, "shoal-of-mine");
  const filled = await tmp.dead();
  Deno.writeTextFileSync(`${filled}/notes`, "mine");
  const file = tmp.folder();
  Deno.writeTextFileSync(`${file}/c.sock`, "no socket");
  const led = await tmp.dead(0o700, "elsewhere");
  const link = `${tmp.path}/shoal-aaaaaaaaaaaaaaaa`;
  Deno.symlinkSync(led, link);
  const linked = tmp.folder();
  Deno.symlinkSync(led, `${linked}/w0.sock`);

  const before = tmp.names();
  await removeDeadFolders(own.path);
  const gone = [dead, empty, older].map((path) => path.slice(tmp.path.length + 1));
  assertEquals(tmp.names(), before.filter((name) => !gone.includes(name)));
  for (const path of [held.path, open, named, filled, led]) {
    assert(Deno.lstatSync(`${path}/c.sock`).isSocket, path);
  }
  assert([listened, fresh, file, linked].every((path) => Deno.lstatSync(path).isDirectory));
  listener.close();
  held[Symbol.dispose]();
});

Deno.test("a folder of another user is not touched", async () => {
  using tmp = new Tmp();
  using own = new SocketFolder(tmp.folder());
  const theirs = await tmp.dead();
  try {
    Deno.chownSync(theirs, 65534, 65534);
  } catch {
    return; // Only root may give a folder away, and others could not remove it.
  }
  await removeDeadFolders(own.path);
  assert(Deno.lstatSync(theirs).isDirectory);
});

Deno.test("a folder that is held goes with its holder, and comes back while it is held", () => {
  const folder = openSocketFolder();
  const { path } = folder;
  assert(folder.isHeld);
  Deno.removeSync(path);
  assert(!folder.isHeld);
  folder.keep();
  assert(folder.isHeld);
  assertEquals((Deno.lstatSync(path).mode ?? 0) & 0o777, 0o700);
  folder[Symbol.dispose]();
  assertEquals(existsAt(path), false);
});

Deno.test("a folder that something else replaced is neither used nor removed", () => {
  using tmp = new Tmp();
  const puts: Record<string, (path: string) => void> = {
    "a file": (path) => Deno.writeTextFileSync(path, ""),
    "a link": (path) => Deno.symlinkSync(tmp.path, path),
    "an open folder": (path) => {
      Deno.mkdirSync(path);
      Deno.chmodSync(path, 0o777);
    },
  };
  for (const [what, put] of Object.entries(puts)) {
    const folder = openSocketFolder();
    Deno.removeSync(folder.path);
    put(folder.path);
    let message = "";
    try {
      folder.keep();
    } catch (error) {
      ({ message } = error as Error);
    }
    assert(message.startsWith(`Cannot recreate the folder of sockets ${folder.path}: need`), what);
    folder[Symbol.dispose]();
    assert(existsAt(folder.path), what);
    Deno.removeSync(folder.path);
  }
});

function existsAt(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}
