/**
 * Compiles the syntax tree of a pattern to a program for {@linkcode Matcher}: rows of four numbers.
 */
import type { PatternNode } from "./pattern_parse.ts";
import { UnsupportedPattern } from "./pattern_parse.ts";

/** Opcodes; operands in brackets. */
export const OP = {
  /** The pattern matches. */
  match: 0,
  /** The next code point equals [point]; `Back`: the previous one. */
  char: 1,
  charBack: 2,
  /** The next code point is in a set [set]. */
  set: 3,
  setBack: 4,
  /** Greedy run of characters of a set, with backtracking [set, least, most]. */
  run: 5,
  runBack: 6,
  /** Tries the first row, then the second [first, second]. */
  split: 7,
  /** Continues at a row [row]. */
  jump: 8,
  /** Lookaround: whether the rows that follow match here [row after them, negated]. */
  look: 9,
  /** Saves the position [register]. */
  mark: 10,
  /** Fails if the position equals the mark [register]. */
  moved: 11,
  /** Start of the text; end of the text. */
  start: 12,
  end: 13,
} as const;

/** Numbers in a row. */
export const ROW = 4;

/** Largest repeat count in a row. */
const LARGEST = 2 ** 30;

/** A compiled pattern for {@linkcode Matcher}. */
export interface PatternProgram {
  readonly rows: Int32Array;
  readonly sets: readonly CharSet[];
  readonly registers: number;
}

/** Compiles a tree. @throws {UnsupportedPattern} beyond `most` rows. */
export function compilePattern(tree: PatternNode, most: number): PatternProgram {
  const compiler = new Compiler(most);
  compiler.add(tree, false);
  compiler.emit(OP.match);
  return compiler.program();
}

/** A character set, evaluated by V8's RegExp and cached per UTF-16 unit. */
export class CharSet {
  readonly #pattern: RegExp;
  /** Per UTF-16 unit: 0 not evaluated, 1 in the set, 2 not. */
  #known: Uint8Array | undefined;

  constructor(source: string, flags: string) {
    this.#pattern = new RegExp(`^(?:${source})$`, flags);
  }

  /** Whether a code point is in the set. */
  has(point: number): boolean {
    if (point > 0xffff) return this.#pattern.test(String.fromCodePoint(point));
    const known = this.#known ??= new Uint8Array(0x10000);
    const answer = known[point];
    if (answer !== 0) return answer === 1;
    const found = this.#pattern.test(String.fromCharCode(point));
    known[point] = found ? 1 : 2;
    return found;
  }
}

class Compiler {
  readonly #most: number;
  readonly #rows: number[] = [];
  readonly #sets = new Map<string, number>();
  readonly #made: CharSet[] = [];
  #registers = 0;

  constructor(most: number) {
    this.#most = most;
  }

  program(): PatternProgram {
    return {
      rows: Int32Array.from(this.#rows),
      sets: this.#made,
      registers: this.#registers,
    };
  }

  /** Adds a row; returns its index. */
  emit(op: number, a = 0, b = 0, c = 0): number {
    const row = this.#rows.length / ROW;
    if (row >= this.#most) {
      throw new UnsupportedPattern(`patterns of at most ${this.#most} states`);
    }
    this.#rows.push(op, a, b, c);
    return row;
  }

  /** Adds the rows of a node; `back`: match right to left, for lookbehind. */
  add(node: PatternNode, back: boolean): void {
    switch (node.kind) {
      case "char":
        this.emit(back ? OP.charBack : OP.char, node.point);
        return;
      case "set":
        this.emit(back ? OP.setBack : OP.set, this.#setOf(node));
        return;
      case "sequence":
        for (const part of back ? node.parts.toReversed() : node.parts) this.add(part, back);
        return;
      case "choice":
        return this.#choice(node.parts, back);
      case "repeat":
        return this.#repeat(node, back);
      case "look": {
        const at = this.emit(OP.look, 0, node.negated ? 1 : 0);
        this.add(node.body, node.back);
        this.emit(OP.match);
        this.#set(at, 1, this.#next);
        return;
      }
      case "edge":
        this.emit(node.end ? OP.end : OP.start);
        return;
    }
  }

  get #next(): number {
    return this.#rows.length / ROW;
  }

  #set(row: number, operand: number, value: number): void {
    this.#rows[row * ROW + operand] = value;
  }

  #choice(parts: readonly PatternNode[], back: boolean): void {
    const ends: number[] = [];
    for (const [i, part] of parts.entries()) {
      const isLast = i === parts.length - 1;
      const split = isLast ? -1 : this.emit(OP.split);
      if (!isLast) this.#set(split, 1, this.#next);
      this.add(part, back);
      if (isLast) break;
      ends.push(this.emit(OP.jump));
      this.#set(split, 2, this.#next);
    }
    for (const end of ends) this.#set(end, 1, this.#next);
  }

  #repeat(node: PatternNode & { kind: "repeat" }, back: boolean): void {
    const { body, least, most, greedy } = node;
    if (greedy && (body.kind === "char" || body.kind === "set")) {
      const bound = (n: number) => Math.min(n, LARGEST);
      this.emit(back ? OP.runBack : OP.run, this.#setOf(body), bound(least), bound(most));
      return;
    }
    for (let i = 0; i < least; i++) this.add(body, back);
    if (most === Infinity) {
      const from = this.#optional(body, { back, greedy, again: true });
      this.#leave(from, greedy);
      return;
    }
    const splits: number[] = [];
    for (let i = least; i < most; i++) {
      splits.push(this.#optional(body, { back, greedy, again: false }));
    }
    for (const split of splits) this.#leave(split, greedy);
  }

  /** An optional body; `again`: a loop. */
  #optional(
    body: PatternNode,
    { back, greedy, again }: { back: boolean; greedy: boolean; again: boolean },
  ): number {
    const split = this.emit(OP.split);
    this.#set(split, greedy ? 1 : 2, this.#next);
    // An empty iteration must fail, or the loop would not end.
    const register = mayBeEmpty(body) ? this.#registers++ : -1;
    if (register >= 0) this.emit(OP.mark, register);
    this.add(body, back);
    if (register >= 0) this.emit(OP.moved, register);
    if (again) this.emit(OP.jump, split);
    return split;
  }

  #leave(split: number, greedy: boolean): void {
    this.#set(split, greedy ? 2 : 1, this.#next);
  }

  #setOf(node: PatternNode & { kind: "char" | "set" }): number {
    const source = node.kind === "char" ? `\\u{${node.point.toString(16)}}` : node.source;
    const flags = node.kind === "char" ? "u" : node.flags;
    const key = `${flags} ${source}`;
    const known = this.#sets.get(key);
    if (known !== undefined) return known;
    this.#sets.set(key, this.#made.length);
    return this.#made.push(new CharSet(source, flags)) - 1;
  }
}

function mayBeEmpty(node: PatternNode): boolean {
  switch (node.kind) {
    case "char":
    case "set":
      return false;
    case "sequence":
      return node.parts.every(mayBeEmpty);
    case "choice":
      return node.parts.some(mayBeEmpty);
    case "repeat":
      return node.least === 0 || mayBeEmpty(node.body);
    case "look":
    case "edge":
      return true;
  }
}
