/** Checks that a value is plain data that JSON can represent. */

/**
 * The first part of a value that JSON cannot represent, as `optim.lr is a function`; undefined if
 * there is none. Undefined entries of an object count as omitted. `path` is the path of the value.
 */
export function plainFault(value: unknown, path = "", above: readonly object[] = []):
  | string
  | undefined {
  const name = path === "" ? "it" : path;
  const kind = oddKind(value);
  if (kind !== undefined) return `${name} is ${kind}`;
  if (typeof value !== "object" || value === null) return undefined;
  if (above.includes(value)) return `${name} contains itself`;
  const inner = Array.isArray(value)
    ? Array.from(value, (item, i) => [String(i), item] as const)
    : Object.entries(value).filter(([, item]) => item !== undefined);
  for (const [key, item] of inner) {
    const fault = plainFault(item, path === "" ? key : `${path}.${key}`, [...above, value]);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

/** The kind of a value that JSON cannot represent, without looking at its entries. */
function oddKind(value: unknown): string | undefined {
  switch (typeof value) {
    case "bigint":
      return `the BigInt ${value}n`;
    case "function":
      return "a function";
    case "symbol":
      return "a symbol";
    case "undefined":
      return "undefined";
    case "number":
      return Number.isFinite(value) ? undefined : String(value);
    case "object":
      return isPlainObject(value) ? undefined : `a ${classOf(value)}`;
    default:
      return undefined;
  }
}

function isPlainObject(value: object | null): boolean {
  if (value === null || Array.isArray(value)) return true;
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}

function classOf(value: object | null): string {
  const { name } = Object(value).constructor ?? {};
  return typeof name === "string" && name !== "" ? name : "special object";
}
