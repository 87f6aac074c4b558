/**
 * The other end of the transport bench: receives payloads into one buffer, and answers small
 * frames.
 */
import { dialUnix } from "../../src/transport/unix.ts";

const channel = await dialUnix(Deno.args[0] as string, { attempt: 0 });
let buffer = new Uint8Array(0);
while (true) {
  const frame = await channel.receive((_, bytes) => {
    if (buffer.length < bytes) buffer = new Uint8Array(bytes);
    return buffer.subarray(0, bytes);
  });
  if (frame === undefined) break;
  if (frame.payload.length === 0) await channel.send({ type: "echo" });
}
channel.close();
