/** Reads pairs of texts, such as sentences and their translations. Pure. */
import { parseJsonText } from "../../base/text/json.ts";
import { UserError } from "../../base/user_error.ts";

/** A text and what it is to become. */
export interface Pair {
  readonly source: string;
  readonly target: string;
}

/**
 * The pairs of a file: lines `source TAB target`, or JSON lines with the fields `source` and
 * `target`. Empty lines are passed over.
 * @throws {UserError} `data` with the line for anything else, for an empty side, and without pairs.
 */
export function parsePairs(text: string, name: string): Pair[] {
  const isJson = text.trimStart().startsWith("{");
  const pairs: Pair[] = [];
  let number = 0;
  for (const line of text.split("\n")) {
    number++;
    const whole = line.replace(/\r$/, "");
    if (whole.trim() === "") continue;
    const bad = (fault: string) =>
      new UserError("data", `Cannot read pairs of ${name}: line ${number}: need ${fault}`);
    const { source, target } = isJson ? jsonPair(whole, bad) : tabPair(whole, bad);
    for (const [side, value] of Object.entries({ source, target })) {
      if (value.trim() === "") throw bad(`a ${side} that is not empty`);
    }
    pairs.push({ source, target });
  }
  if (pairs.length > 0) return pairs;
  throw new UserError("data", `Cannot read pairs of ${name}: need one at least: it has none`);
}

function tabPair(line: string, bad: (fault: string) => UserError): Pair {
  const [source, target, ...more] = line.split("\t");
  if (source === undefined || target === undefined || more.length > 0) {
    const tabs = line.split("\t").length - 1;
    throw bad(`source and target with one tab between: it has ${tabs} tabs`);
  }
  return { source, target };
}

function jsonPair(line: string, bad: (fault: string) => UserError): Pair {
  let value: unknown;
  try {
    value = parseJsonText(line);
  } catch (error) {
    if (error instanceof SyntaxError) throw bad("JSON");
    throw error;
  }
  const { source, target } = Object(value) as Partial<Pair>;
  if (typeof source === "string" && typeof target === "string") return { source, target };
  throw bad(`the fields "source" and "target" with texts`);
}

/**
 * The pairs of two texts whose lines belong together.
 * @throws {UserError} `data` when they have different numbers of lines, or a side is empty.
 */
export function alignedPairs(
  [first, second]: readonly [string, string],
  [one, other]: readonly [string, string],
): Pair[] {
  const lines = [first, second].map((text) =>
    text.replace(/\n$/, "").split("\n").map((line) => line.replace(/\r$/, ""))
  );
  const [sources, targets] = lines as [string[], string[]];
  if (sources.length !== targets.length) {
    throw new UserError(
      "data",
      `Cannot read pairs of ${one} and ${other}: need as many lines in both: ${sources.length} and ` +
        `${targets.length}`,
    );
  }
  return sources.map((source, i) => {
    const target = targets[i] as string;
    for (const [name, text] of [[one, source], [other, target]] as const) {
      if (text.trim() !== "") continue;
      throw new UserError("data", `Cannot read pairs of ${name}: line ${i + 1}: need some text`);
    }
    return { source, target };
  });
}
