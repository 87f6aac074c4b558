/** Reads /proc of other processes through a shell, since Deno does not permit it. */
import { assert } from "@std/assert";

/** Output of a shell command; unreadable files are skipped. */
export function shell(line: string): string {
  const { stdout } = new Deno.Command("sh", { args: ["-c", line], stderr: "null" }).outputSync();
  return new TextDecoder().decode(stdout);
}

/** Open descriptors of a process. */
export function descriptors(pid: number): number {
  const count = Number(shell(`ls /proc/${pid}/fd | wc -l`));
  assert(count > 0, `Cannot count descriptors of ${pid}: need a /proc and a living process`);
  return count;
}

/** The command line and environment of a process. */
export function startedWith(pid: number): string {
  const text = shell(`cat /proc/${pid}/cmdline /proc/${pid}/environ`).replaceAll("\0", "\n");
  assert(text.includes("deno"), `Cannot read how ${pid} was started: need a living process`);
  return text;
}

/** Whether a process has a handler for this signal number. */
export function catches(pid: number, signal: number): boolean {
  const [, mask] = /SigCgt:\s*([0-9a-f]+)/.exec(shell(`cat /proc/${pid}/status`)) ?? [];
  assert(mask !== undefined, `Cannot read signals of ${pid}: need a living process`);
  return (BigInt(`0x${mask}`) >> BigInt(signal - 1) & 1n) === 1n;
}

/** Where a process listens on TCP, as "address:port"; for IPv6 only the port. */
export function listening(pid: number): string[] {
  const sockets = new Set(
    shell(`ls -l /proc/${pid}/fd`).match(/(?<=socket:\[)\d+/g) ?? [],
  );
  const tables = shell(`cat /proc/${pid}/net/tcp /proc/${pid}/net/tcp6`);
  assert(tables.includes("local_address"), `Cannot list sockets of ${pid}: need a living process`);
  return tables.split("\n").flatMap((line) => {
    const [, local = "", , state, , , , , , inode = ""] = line.trim().split(/\s+/);
    return state === LISTEN && sockets.has(inode) ? [show(local)] : [];
  });
}

/** State of a listening socket in /proc/net/tcp. */
const LISTEN = "0A";

/** "0100007F:240D" as "127.0.0.1:9229": the address is a little-endian word in hex. */
function show(local: string): string {
  const [address = "", port = ""] = local.split(":");
  const bytes = address.match(/../g) ?? [];
  const text = bytes.length === 4 ? bytes.reverse().map((hex) => parseInt(hex, 16)).join(".") : "";
  return `${text}:${parseInt(port, 16)}`;
}

/** Whether a process is stopped by a signal. */
export function isStopped(pid: number): boolean {
  return /^State:\s*T/m.test(shell(`cat /proc/${pid}/status`));
}

/** Whether a process is a worker of a run, and not its coordinator or one that loads a config. */
export function isWorker(pid: number): boolean {
  return shell(`tr '\\0' ' ' < /proc/${pid}/cmdline`).includes("/workers/worker.ts");
}
