/**
 * Backtracking matcher that counts its steps, so that exponential patterns fail. V8's matcher
 * cannot be interrupted from its own thread. Matches are identical.
 */
import type { CharSet, PatternProgram } from "./pattern_compile.ts";
import { OP, ROW } from "./pattern_compile.ts";
import type { WorkMeter } from "../meter.ts";

/** Kinds of backtracking entries. */
const [RESUME, RUN, RUN_BACK, REGISTER] = [0, 1, 2, 3];
/** Numbers in an entry. */
const ENTRY = 4;
/** Maximum entries: 64 MiB. */
const MOST_ENTRIES = 2 ** 22;

/** Executes a compiled pattern. */
export class Matcher {
  readonly #rows: Int32Array;
  readonly #sets: readonly CharSet[];
  readonly #registers: Int32Array;
  readonly #meter: WorkMeter;
  readonly #place: string;
  #stack = new Int32Array(256 * ENTRY);
  #top = 0;

  /** `place`: key of the pattern in its file, for errors. */
  constructor({ rows, sets, registers }: PatternProgram, meter: WorkMeter, place: string) {
    this.#rows = rows;
    this.#sets = sets;
    this.#registers = new Int32Array(registers);
    this.#meter = meter;
    this.#place = place;
  }

  /**
   * End of the match at `at`; -1 without a match. @throws {UserError} `data` beyond the step limit.
   */
  endAt(text: string, at: number): number {
    this.#top = 0;
    return this.#run(text, 0, at);
  }

  #run(text: string, from: number, at: number): number {
    const rows = this.#rows;
    const sets = this.#sets;
    const meter = this.#meter;
    const base = this.#top;
    let row = from;
    let pos = at;
    for (;;) {
      if (--meter.left < 0) meter.exceed(this.#place);
      const i = row * ROW;
      const a = rows[i + 1] as number;
      let ok = true;
      switch (rows[i]) {
        case OP.match:
          this.#top = base;
          return pos;
        case OP.char: {
          const point = pos < text.length ? text.codePointAt(pos) as number : -1;
          ok = point === a;
          pos += point > 0xffff ? 2 : 1;
          break;
        }
        case OP.charBack: {
          const to = before(text, pos);
          ok = to >= 0 && text.codePointAt(to) === a;
          pos = to;
          break;
        }
        case OP.set: {
          const point = pos < text.length ? text.codePointAt(pos) as number : -1;
          ok = point >= 0 && (sets[a] as CharSet).has(point);
          pos += point > 0xffff ? 2 : 1;
          break;
        }
        case OP.setBack: {
          const to = before(text, pos);
          ok = to >= 0 && (sets[a] as CharSet).has(text.codePointAt(to) as number);
          pos = to;
          break;
        }
        case OP.run: {
          const set = sets[a] as CharSet;
          const [least, most] = [rows[i + 2] as number, rows[i + 3] as number];
          let floor = pos;
          let n = 0;
          for (; n < most && pos < text.length; n++) {
            const point = text.codePointAt(pos) as number;
            if (!set.has(point)) break;
            pos += point > 0xffff ? 2 : 1;
            if (n + 1 === least) floor = pos;
          }
          meter.left -= n;
          ok = n >= least;
          if (n > least) this.#push(RUN, row + 1, pos, floor);
          break;
        }
        case OP.runBack: {
          const set = sets[a] as CharSet;
          const [least, most] = [rows[i + 2] as number, rows[i + 3] as number];
          let floor = pos;
          let n = 0;
          for (; n < most; n++) {
            const to = before(text, pos);
            if (to < 0 || !set.has(text.codePointAt(to) as number)) break;
            pos = to;
            if (n + 1 === least) floor = pos;
          }
          meter.left -= n;
          ok = n >= least;
          if (n > least) this.#push(RUN_BACK, row + 1, pos, floor);
          break;
        }
        case OP.split:
          this.#push(RESUME, rows[i + 2] as number, pos, 0);
          row = a - 1;
          break;
        case OP.jump:
          row = a - 1;
          break;
        case OP.look: {
          const found = this.#run(text, row + 1, pos) >= 0;
          ok = found !== (rows[i + 2] === 1);
          row = a - 1;
          break;
        }
        case OP.mark:
          this.#push(REGISTER, a, this.#registers[a] as number, 0);
          this.#registers[a] = pos;
          break;
        case OP.moved:
          ok = this.#registers[a] !== pos;
          break;
        case OP.start:
          ok = pos === 0;
          break;
        case OP.end:
          ok = pos === text.length;
          break;
      }
      if (ok) {
        row++;
        continue;
      }
      // Backtrack to the last entry.
      for (;;) {
        if (this.#top === base) return -1;
        const stack = this.#stack;
        const top = this.#top - ENTRY;
        const kind = stack[top];
        row = stack[top + 1] as number;
        pos = stack[top + 2] as number;
        if (kind === REGISTER) {
          this.#registers[row] = pos;
          this.#top = top;
          continue;
        }
        if (kind === RESUME) {
          this.#top = top;
          break;
        }
        pos = kind === RUN ? before(text, pos) : after(text, pos);
        if (pos === stack[top + 3]) this.#top = top;
        else stack[top + 2] = pos;
        break;
      }
    }
  }

  #push(kind: number, row: number, pos: number, floor: number): void {
    const top = this.#top;
    if (top === this.#stack.length) {
      if (top >= MOST_ENTRIES * ENTRY) this.#meter.exceed(this.#place);
      const larger = new Int32Array(2 * top);
      larger.set(this.#stack);
      this.#stack = larger;
    }
    const stack = this.#stack;
    stack[top] = kind;
    stack[top + 1] = row;
    stack[top + 2] = pos;
    stack[top + 3] = floor;
    this.#top = top + ENTRY;
  }
}

/** Start of the character before `at`; -1 at the start of the text. */
function before(text: string, at: number): number {
  const isPair = at > 1 && isLow(text.charCodeAt(at - 1)) && isHigh(text.charCodeAt(at - 2));
  return at - (isPair ? 2 : 1);
}

/** End of the character at `at`. */
export function after(text: string, at: number): number {
  const isPair = isHigh(text.charCodeAt(at)) && isLow(text.charCodeAt(at + 1));
  return at + (isPair ? 2 : 1);
}

function isHigh(unit: number): boolean {
  return (unit & 0xfc00) === 0xd800;
}

function isLow(unit: number): boolean {
  return (unit & 0xfc00) === 0xdc00;
}
