/** Locks a folder, starts a child process, reports it and waits: `lock_child.ts <folder>`. */
import { lockRun } from "../../../src/checkpoint/lock/lock.ts";

using _lock = await lockRun(Deno.args[0] ?? "");
// A child must not inherit the lock: it may outlive this process.
const heir = new Deno.Command("sleep", { args: ["60"], stdin: "null", stdout: "null" }).spawn();
await Deno.stdout.write(new TextEncoder().encode(`${heir.pid}\n`));
await Deno.stdin.readable.pipeTo(new WritableStream());
