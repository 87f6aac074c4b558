/**
 * Entry of a process that maps memory twice, as two workers do, and prints the bytes per second that
 * pass through it; nothing where that is not possible.
 */
import { openLibc } from "../../transport/libc.ts";
import { OwnMapping, PeerMapping } from "../../transport/mapping.ts";
import { paceOf, SHARED } from "./memory_ways.ts";

function pace(): number | undefined {
  const libc = openLibc();
  const own = libc && OwnMapping.create(libc, SHARED);
  const peer = libc && own && PeerMapping.open(libc, own.address);
  if (own === undefined || peer === undefined) return undefined;
  const memory = new WebAssembly.Memory({ initial: 48, maximum: 48 }).buffer;
  const written = new Uint8Array(memory, 0, SHARED);
  const seen = new Uint8Array(memory, SHARED, SHARED);
  own.place(written);
  peer.place({ range: seen, from: 0 });
  const result = paceOf((round) => {
    written.fill(round);
    if (seen[SHARED - 1] !== round) throw new Error("Mapped memory does not show what was written");
  });
  own[Symbol.dispose]();
  peer[Symbol.dispose]();
  return result;
}

if (import.meta.main) console.log(String(pace() ?? ""));
