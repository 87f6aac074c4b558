/** Tests what the CPU device says when its memory is full. */
import { assertEquals, assertThrows } from "@std/assert";
import { UserError } from "../../src/base/user_error.ts";
import { CpuMemory, LinearMemory } from "../../src/device/cpu_memory.ts";

/** Bytes of the largest memory, and the bytes at its start that no slot has. */
const [MOST, FIRST] = [2 ** 32, 64];

Deno.test("a slot that ends one line beyond 4 GiB is refused, and the others keep their values", () => {
  const linear = new LinearMemory();
  const memory = new CpuMemory(linear);
  memory.ensure("kept", 16);
  memory.write("kept", Float32Array.of(3));
  const refusal = assertThrows(
    () => linear.allocate(MOST - FIRST),
    UserError,
    `need ${MOST + 64} bytes in all: it holds at most ${MOST}`,
  );
  assertEquals(refusal.exit, "tooLarge");
  assertThrows(() => memory.ensure("large", MOST / 4), UserError, "lower micro_batch_size");
  memory.ensure("next", 16);
  assertEquals(linear.buffer.byteLength, 65536);
  memory.copy("kept", "next", 1);
  assertEquals(new Float32Array(linear.buffer, 64, 1)[0], 3);
  assertEquals(new Float32Array(linear.buffer, 128, 1)[0], 3);
});

Deno.test("a memory that the machine does not grow is refused alike", () => {
  const linear = new LinearMemory();
  linear.memory.grow = () => {
    throw new RangeError("Unable to grow instance memory");
  };
  const refusal = assertThrows(() => linear.allocate(1e6), UserError, "Cannot allocate memory");
  assertEquals(refusal.exit, "tooLarge");
});
