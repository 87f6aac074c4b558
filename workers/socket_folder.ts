/**
 * The folder of a run's sockets. Its path is bound by two limits: a socket's path has 107 bytes on
 * Linux, and Deno splits lists of permitted paths at commas, with no way to escape one.
 */
import { join, resolve } from "node:path";
import { sha256 } from "../src/base/hash.ts";
import { Refusal } from "../src/base/refusal.ts";
import { MAX_SOCKET_PATH } from "../src/transport/unix.ts";

/** Longest name of a socket in it. */
const LONGEST = "control.sock";
/** Where temporary files may lie if the environment's own folder does not serve. */
const OTHERS = ["/tmp", "/var/tmp"];

/** Whether sockets of a folder at `path` can be bound, and named in permissions. */
export function serves(path: string): boolean {
  const bytes = new TextEncoder().encode(join(path, LONGEST)).length;
  return bytes <= MAX_SOCKET_PATH && !path.includes(",");
}

/**
 * Makes a folder for sockets where temporary files lie: as TMPDIR says, or in /tmp where that folder
 * is missing, closed, too deep or has a comma. @throws {Refusal} `config` where none serves.
 */
export function makeSocketFolder(): string {
  const faults: string[] = [];
  for (const dir of [undefined, ...OTHERS]) {
    try {
      const path = resolve(
        Deno.makeTempDirSync({ prefix: "shoal-", ...dir !== undefined && { dir } }),
      );
      if (serves(path)) return path;
      Deno.removeSync(path);
      faults.push(`${path} is too long or has a comma`);
    } catch (error) {
      faults.push(error instanceof Error ? error.message : String(error));
    }
  }
  throw new Refusal(
    "config",
    `Cannot make a folder for sockets: need a TMPDIR that can be written to: ${faults.join("; ")}`,
  );
}

/** The path by which workers reach `path`: a link in the folder of sockets for one with a comma. */
export function reachable(path: string, sockets: string): string {
  if (!path.includes(",")) return path;
  return join(sockets, `link-${sha256(new TextEncoder().encode(path)).slice(0, 16)}`);
}

/** Makes the links by which workers reach `paths`, and gives the ways to all. */
export function makeReachable(paths: readonly string[], sockets: string): string[] {
  return paths.map((path) => {
    const way = reachable(path, sockets);
    if (way !== path) Deno.symlinkSync(path, way);
    return way;
  });
}
