/** Turns WebGPU's asynchronous errors into exceptions of the call that caused them. */
import { UserError } from "../base/user_error.ts";

/**
 * Runs `make` inside error scopes. @throws {UserError} `tooLarge` when device memory is exhausted.
 * @throws {Error} naming `what` on a validation error.
 */
export async function inErrorScopes<T>(device: GPUDevice, what: string, make: () => T): Promise<T> {
  device.pushErrorScope("out-of-memory");
  device.pushErrorScope("validation");
  let made: T | undefined;
  let thrown: unknown;
  try {
    made = make();
  } catch (error) {
    thrown = error;
  }
  const invalid = await device.popErrorScope();
  const memory = await device.popErrorScope();
  if (memory) throw new UserError("tooLarge", `Cannot make ${what}: the adapter is out of memory`);
  if (invalid) throw new Error(`Cannot make ${what}: ${invalid.message}`);
  if (thrown !== undefined) throw thrown;
  return made as T;
}
