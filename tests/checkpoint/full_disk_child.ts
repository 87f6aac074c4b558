/** Writes to a disk that is always full, and prints the resulting error. */
import { spaceFault } from "../../src/checkpoint/space.ts";

try {
  Deno.writeTextFileSync("/dev/full", "x");
} catch (error) {
  const fault = spaceFault(error, "out");
  console.log(fault instanceof Error ? `${fault.name}: ${fault.message}` : "");
}
