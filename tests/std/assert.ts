/** The functions of @std/assert that the tests use, over node:assert. */
import { AssertionError as NodeError, strictEqual } from "node:assert/strict";
import { equal } from "./equal.ts";

/** What a test fails with. */
export class AssertionError extends Error {
  override readonly name = "AssertionError";
}

/** An error's class, as `assertThrows` takes it. */
// deno-lint-ignore no-explicit-any
type ErrorClass<E extends Error> = abstract new (...args: any[]) => E;

/** A condition holds. */
export function assert(expr: unknown, msg = ""): asserts expr {
  if (!expr) fail(msg);
}

/** Two values are equal in all that they hold. */
export function assertEquals<T>(actual: T, expected: T, msg?: string): void {
  if (equal(actual, expected)) return;
  const { message } = new NodeError({ actual, expected, operator: "deepStrictEqual" });
  fail(`Values are not equal${suffix(msg)}\n${message}`);
}

/** Two values differ in something that they hold. */
export function assertNotEquals<T>(actual: T, expected: T, msg?: string): void {
  if (equal(actual, expected)) fail(`Values are equal${suffix(msg)} ${Deno.inspect(actual)}`);
}

/** Two values are the same one. */
export function assertStrictEquals<T>(
  actual: unknown,
  expected: T,
  msg?: string,
): asserts actual is T {
  strictEqual(actual, expected, msg);
}

/** Two numbers differ by at most `tolerance`; by default by 1e-7 of the expected one. */
export function assertAlmostEquals(
  actual: number,
  expected: number,
  tolerance: number = Number.isFinite(expected) ? Math.abs(expected * 1e-7) : 1e-7,
  msg?: string,
): void {
  if (Object.is(actual, expected) || Math.abs(expected - actual) <= tolerance) return;
  fail(`${actual} is not within ${tolerance} of ${expected}${suffix(msg)}`);
}

/** A text holds another. */
export function assertStringIncludes(actual: string, expected: string, msg?: string): void {
  if (!actual.includes(expected)) {
    fail(`Expected "${actual}" to contain "${expected}"${suffix(msg)}`);
  }
}

/** A text matches a pattern. */
export function assertMatch(actual: string, expected: RegExp, msg?: string): void {
  if (!expected.test(actual)) fail(`Expected "${actual}" to match ${expected}${suffix(msg)}`);
}

/** `actual > expected`. */
export function assertGreater<T>(actual: T, expected: T, msg?: string): void {
  if (!(actual > expected)) fail(`Expected ${actual} > ${expected}${suffix(msg)}`);
}

/** `actual < expected`. */
export function assertLess<T>(actual: T, expected: T, msg?: string): void {
  if (!(actual < expected)) fail(`Expected ${actual} < ${expected}${suffix(msg)}`);
}

/** `actual <= expected`. */
export function assertLessOrEqual<T>(actual: T, expected: T, msg?: string): void {
  if (!(actual <= expected)) fail(`Expected ${actual} <= ${expected}${suffix(msg)}`);
}

/** A function throws an error of a class whose message holds a text; gives the error. */
export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  errorClass?: ErrorClass<E>,
  msgIncludes?: string,
): E {
  try {
    fn();
  } catch (error) {
    return expected(error, errorClass, msgIncludes);
  }
  return fail("Expected function to throw");
}

/** A promise is rejected with an error of a class whose message holds a text; gives the error. */
export async function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  errorClass?: ErrorClass<E>,
  msgIncludes?: string,
): Promise<E> {
  // A function that throws by itself gives no promise to reject.
  const promise = fn();
  try {
    await promise;
  } catch (error) {
    return expected(error, errorClass, msgIncludes);
  }
  return fail("Expected function to reject");
}

function expected<E extends Error>(
  error: unknown,
  errorClass: ErrorClass<E> | undefined,
  msgIncludes: string | undefined,
): E {
  if (errorClass !== undefined && !(error instanceof errorClass)) {
    fail(`Expected an error of class ${errorClass.name}: got ${Deno.inspect(error)}`);
  }
  const { message } = error as E;
  if (msgIncludes !== undefined && !message.includes(msgIncludes)) {
    fail(`Expected an error whose message has "${msgIncludes}": got "${message}"`);
  }
  return error as E;
}

function suffix(msg: string | undefined): string {
  return msg === undefined || msg === "" ? "" : `: ${msg}`;
}

function fail(message: string): never {
  throw new AssertionError(message === "" ? "Assertion failed" : message);
}
