/** Checks what functions of a user's optimizer return. The errors say what that was. */
import { describeValue } from "../base/text/describe_value.ts";

/** Names of vectors and scalars that a run has for every optimizer. */
const RESERVED = ["param", "grad", "grad_norm", "non_finite", "loss", "share", "random", "tokens"];
/** Names of vectors, which are in the names of slots and of tensors in checkpoints. */
const NAME = /^[A-Za-z][A-Za-z0-9_]*$/;

/** @throws {RangeError} unless there is a finite number for each scalar, and no other value. */
export function requireScalars(
  values: unknown,
  { scalars, step }: { readonly scalars: readonly string[]; readonly step: number },
): void {
  const at = `at step ${step}`;
  if (typeof values !== "object" || values === null) {
    throw new RangeError(
      `need an object of ${scalars.join(", ") || "nothing"} ${at}: got ${describeValue(values)}`,
    );
  }
  for (const name of scalars) {
    const value: unknown = Reflect.get(values, name);
    // Scalars are f32 on the device.
    if (typeof value === "number" && Number.isFinite(Math.fround(value))) continue;
    throw new RangeError(`need a finite f32 for ${name} ${at}: got ${describeValue(value)}`);
  }
  const unknown = Object.keys(values).find((name) => !scalars.includes(name));
  if (unknown === undefined) return;
  throw new RangeError(
    `need ${scalars.join(", ") || "nothing"} alone, its scalars: got ${unknown} as well ${at}`,
  );
}

/** @throws {RangeError} unless these are distinct names that no run has for itself. */
export function requireNames(names: unknown): void {
  if (!Array.isArray(names)) {
    throw new RangeError(`need a list of names: got ${describeValue(names)}`);
  }
  for (const [i, name] of names.entries()) {
    if (typeof name !== "string" || !NAME.test(name) || RESERVED.includes(name)) {
      throw new RangeError(
        `need names of letters and digits, none of ${RESERVED.join(", ")}: got ` +
          describeValue(name),
      );
    }
    if (names.indexOf(name) < i) {
      throw new RangeError(`need each name once: got ${name} twice`);
    }
  }
}
