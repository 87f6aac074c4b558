/** Validates a sweep file. Pure; does not expand trials. */
import { append } from "../base/extremes.ts";
import { UserError } from "../base/user_error.ts";
import { keys, sections } from "../config/keys.ts";
import { isPlain, type PlainConfig } from "../config/overrides.ts";
import { hintFor, nearestKey } from "../config/suggest.ts";
import { schemaOf } from "../config/user/user_schema.ts";
import { AXES, BUDGETS, LIST, SCHEDULERS, sweepSchema } from "./schema.ts";
import type { Issue, Schema, Sweep } from "./schema.ts";

type Table = Readonly<Record<string, Schema>>;

/**
 * The sweep of a file's value. The kind of an axis, rule or budget is the key it contains. @throws
 * {UserError} that lists every fault by its path.
 */
export function readSweep(input: unknown, base?: PlainConfig): Sweep {
  const parsed = sweepSchema.safeParse(input);
  if (!parsed.success) throw sweepError(parsed.error.issues.map((issue) => text(issue)));
  const { axes, derived, budgets, ...rest } = parsed.data;
  const faults: string[] = [];
  const read = (value: unknown, at: string, table: Table): unknown => {
    const schema = Array.isArray(value) && table === AXES
      ? LIST
      : isPlain(value)
      ? table[Object.keys(table).find((word) => word in value) ?? ""]
      : undefined;
    if (schema === undefined) {
      const list = table === SCHEDULERS ? "" : "a list or ";
      faults.push(`${at}: need ${list}an object with ${Object.keys(table).join(", ")}`);
      return undefined;
    }
    const result = schema.safeParse(value);
    if (!result.success) append(faults, result.error.issues.map((issue) => text(issue, at)));
    return result.data;
  };
  const table = (values: PlainConfig, at: string, words: Table) =>
    Object.fromEntries(
      Object.entries(values).map(([name, value]) => [name, read(value, `${at}.${name}`, words)]),
    );
  const sweep = {
    ...rest,
    base: base ?? (isPlain(rest.base) ? rest.base : {}),
    axes: table(axes, "axes", AXES),
    derived: table(derived, "derived", SCHEDULERS),
    budgets: budgets === undefined
      ? undefined
      : read(Array.isArray(budgets) ? { tokens: budgets } : budgets, "budgets", BUDGETS),
  } as Sweep;
  append(faults, faults.length === 0 ? [...keyFaults(sweep), ...clashes(sweep)] : []);
  if (faults.length > 0) throw sweepError(faults);
  return sweep;
}

function sweepError(faults: readonly string[]): UserError {
  return new UserError(
    "config",
    `Cannot use this sweep: ${Array.from(new Set(faults)).join("; ")}`,
  );
}

function text(issue: Issue, at = ""): string {
  const path = [...at === "" ? [] : [at], ...issue.path.map(String)].join(".");
  if (issue.code !== "unrecognized_keys") return `${path || "sweep"}: ${issue.message}`;
  const known = at === "" && issue.path.length === 0 ? Object.keys(sweepSchema.shape) : [];
  return issue.keys.map((key) => {
    const near = nearestKey(key, known);
    const listed = known.length === 0 ? "" : `, a sweep has ${known.join(", ")}`;
    const hint = near === undefined ? listed : `, did you mean "${near}"?`;
    return `${path === "" ? "" : `${path}.`}${key}: unknown key${hint}`;
  }).join("; ");
}

/** Unknown config keys. */
function keyFaults({ base, axes, derived }: Sweep): string[] {
  const all = keys(schemaOf(base));
  const known = all.map(({ path }) => path);
  const settable = new Set([...known, ...sections(all)]);
  const fault = (key: string, at: string): string[] =>
    settable.has(key) ? [] : [`${at}: unknown key, ${hintFor(key, known)}`];
  return [
    ...Object.entries(axes).flatMap(([name, axis]) => {
      const inner = innerKeys(axis);
      if (settable.has(name) || inner.length === 0) return fault(name, `axes.${name}`);
      return inner.flatMap((key) => fault(key, `axes.${name}.${key}`));
    }),
    ...Object.entries(derived).flatMap(([name, rule]) => [
      ...fault(name, `derived.${name}`),
      ...("of" in rule ? fault(rule.of, `derived.${name}.of`) : []),
    ]),
  ];
}

/** Keys set by the points of an axis; none for plain values. */
function innerKeys(axis: Sweep["axes"][string]): string[] {
  if (!Array.isArray(axis)) return "draws" in axis ? Object.keys(axis.draws) : [];
  const points: PlainConfig[] = axis.flatMap((value) => isPlain(value) ? [value] : []);
  if (points.length < axis.length) return [];
  return Array.from(new Set(points.flatMap((point) => Object.keys(point))));
}

/** Incompatible options. */
function clashes({ axes, budgets, trunk, asha, replicates }: Sweep): string[] {
  const faults: string[] = [];
  if (trunk && budgets === undefined) faults.push("trunk: need budgets, which share a trunk");
  if (trunk && asha !== undefined) {
    faults.push("trunk: need false with asha, which ends trials before their decay");
  }
  const set = new Set(Object.entries(axes).flatMap(([name, axis]) => [name, ...innerKeys(axis)]));
  if (replicates !== undefined && set.has("seed")) {
    faults.push("replicates: need seeds in one place: axes.seed is there as well");
  }
  for (const key of budgets === undefined ? [] : ["steps", "optim.decay_steps"]) {
    if (set.has(key)) faults.push(`axes.${key}: need no such axis beside budgets, which set it`);
  }
  return faults;
}
