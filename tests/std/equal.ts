/** Deep equality as @std/assert has it: 0 equals -0, and no prototype equals that of `{}`. */
import { isDeepStrictEqual } from "node:util";

/** Whether two values are equal in all that they hold. */
export function equal(a: unknown, b: unknown): boolean {
  if (a === b || Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (!haveOnePrototype(a, b)) return false;
  if (isNumbers(a) && isNumbers(b)) {
    return a.length === b.length && a.every((value, i) => value === b[i] || Object.is(value, b[i]));
  }
  if (a instanceof Map && b instanceof Map) return areEqualMaps(a, b);
  return isPlain(a) || Array.isArray(a) ? areEqualKeys(a, b) : isDeepStrictEqual(a, b);
}

function haveOnePrototype(a: object, b: object): boolean {
  const [pa, pb] = [a, b].map((value) => Object.getPrototypeOf(value) ?? Object.prototype);
  return pa === pb;
}

function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}

/** An array of numbers, of any type of elements. */
function isNumbers(value: object): value is Float32Array {
  return ArrayBuffer.isView(value) && !(value instanceof DataView);
}

function areEqualKeys(a: object, b: object): boolean {
  const keys = Reflect.ownKeys(a);
  return keys.length === Reflect.ownKeys(b).length &&
    keys.every((key) => Object.hasOwn(b, key) && equal(Reflect.get(a, key), Reflect.get(b, key)));
}

/** Keys that are objects are compared by what they hold, which Node does. */
function areEqualMaps(a: ReadonlyMap<unknown, unknown>, b: ReadonlyMap<unknown, unknown>): boolean {
  if (a.size !== b.size) return false;
  if (a.keys().some((key) => typeof key === "object" && key !== null)) {
    return isDeepStrictEqual(a, b);
  }
  return a.entries().every(([key, value]) => b.has(key) && equal(value, b.get(key)));
}
