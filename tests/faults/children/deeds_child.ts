/**
 * Tries actions that a process of a run must and must not be able to do, and prints as JSON how
 * each action ended: "done", or the error. Arguments: the run's folder of sockets, its output
 * folder.
 */
const [sockets = "", out = ""] = Deno.args;
const HOST = "127.0.0.1";
/** Computed paths: Deno permits imports that it finds in the source before it runs. */
const SYSTEM = ["/etc", "passwd"].join("/");
const NETWORK = ["https://esm.sh", "shoal-no-such-module"].join("/");

const DEEDS: Readonly<Record<string, () => unknown>> = {
  "read a file of the system": () => Deno.readTextFile(SYSTEM),
  "read the way to the run's door for commands": () => Deno.readTextFile(`${out}/.control`),
  "import a file of the system": () => import(SYSTEM, { with: { type: "text" } }),
  "write to the run's folder": () => Deno.writeTextFile(`${out}/stray`, "", { createNew: true }),
  "make a temporary folder": async () => Deno.remove(await Deno.makeTempDir()),
  "link out of the sockets' folder": () => Deno.symlink(SYSTEM, `${sockets}/stray`),
  "look into the sockets' folder": () => Deno.stat(sockets),
  "dial the coordinator": () => dial("c.sock"),
  "dial the door for commands": () => dial("control.sock"),
  "dial a port": async () => (await Deno.connect({ hostname: HOST, port: 9 })).close(),
  "dial a name": async () => (await Deno.connect({ hostname: "localhost", port: 9 })).close(),
  "listen on a port": () => Deno.listen({ hostname: HOST, port: 0 }).close(),
  "listen on all addresses": () => Deno.listen({ port: 0 }).close(),
  "listen on IPv6": () => Deno.listen({ hostname: "::1", port: 0 }).close(),
  "listen on all IPv6": () => Deno.listen({ hostname: "::", port: 0 }).close(),
  "fetch": async () => (await fetch(`http://${HOST}:8000/`)).body?.cancel(),
  "import from the network": () => import(NETWORK),
  "run a shell": () => run("sh", "-c", "true"),
  "run Deno": () => run(Deno.execPath(), "--version"),
  "signal a process": () => Deno.kill(Deno.ppid, "SIGCONT"),
  "read the environment": () => Deno.env.toObject(),
  "read a variable": () => Deno.env.get("PATH"),
  "ask for the machine's name": () => Deno.hostname(),
  "ask for the user": () => Deno.uid(),
  "load a library": () => Deno.dlopen("libc.so.6", {}),
};

async function dial(name: string): Promise<void> {
  (await Deno.connect({ transport: "unix", path: `${sockets}/${name}` })).close();
}

function run(command: string, ...args: readonly string[]): Promise<unknown> {
  return new Deno.Command(command, {
    args: [...args],
    clearEnv: true,
    stdout: "null",
    stderr: "null",
  }).output();
}

const ends: Record<string, string> = {};
for (const [name, deed] of Object.entries(DEEDS)) {
  try {
    await deed();
    ends[name] = "done";
  } catch (error) {
    ends[name] = String(error);
  }
}
console.log(JSON.stringify(ends));
