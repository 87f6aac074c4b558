import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import {
  type JournalEntry,
  journalFault,
  type JournalFile,
  openJournal,
  parseJournal,
} from "../../src/report/journal/journal.ts";
import { FileFault, withFileFaults } from "../../src/base/file_fault.ts";
import { UserError } from "../../src/base/user_error.ts";
import { printLine } from "../../src/report/journal/journal_lines.ts";
import { mkfifo } from "../support/pipe.ts";
import { TempFolder } from "./fixture.ts";

const line = (seq: number, more = "") =>
  `{"seq":${seq},"at":0.5,"time":"2026-01-02T03:04:05.678Z","kind":"x"${more}}\n`;

/** Kinds of the lines of a valid file. */
function kinds(path: string): string[] {
  const text = Deno.readTextFileSync(path);
  assertEquals(journalFault(text), undefined);
  return parseJournal(text).entries.map(({ kind }) => kind);
}

/** Opens a journal's file and injects faults. */
class Faults {
  /** Free bytes of the disk. */
  room = Infinity;
  fail: "sync" | "truncate" | "both" | undefined;
  synced = 0;
  readonly open = (path: string): JournalFile => {
    const file = Deno.openSync(path, { read: true, append: true, create: true });
    return {
      writeSync: (bytes) => {
        if (this.room === 0) throw new Error("No space left on device");
        const n = file.writeSync(bytes.subarray(0, this.room));
        this.room -= n;
        return n;
      },
      syncSync: () => {
        if (this.fail === "sync" || this.fail === "both") throw new Error("Input/output error");
        this.synced++;
        file.syncSync();
      },
      readSync: (bytes) => file.readSync(bytes),
      seekSync: (offset, whence) => file.seekSync(offset, whence),
      statSync: () => file.statSync(),
      truncateSync: (size) => {
        if (this.fail === "truncate" || this.fail === "both") throw new Error("Cannot truncate");
        file.truncateSync(size);
      },
      [Symbol.dispose]: () => file.close(),
    };
  };
}

Deno.test("openJournal() numbers lines from 0 across resumes", () => {
  using temp = new TempFolder();
  const path = `${temp.path}/journal.jsonl`;
  for (const life of [0, 1, 2]) {
    using journal = openJournal(path, { now: () => 1234.5678 + life });
    assertEquals(journal.entries.length, 2 * life);
    journal.write({ kind: "start", life });
    journal.write({ kind: "skip", step: 7, losses: [1, null], why: { a: "b\n" } }, { sync: true });
  }
  const { entries } = parseJournal(Deno.readTextFileSync(path));
  assertEquals(entries.map(({ seq, at, kind }) => [seq, at, kind]), [
    [0, 1.235, "start"],
    [1, 1.235, "skip"],
    [2, 1.236, "start"],
    [3, 1.236, "skip"],
    [4, 1.237, "start"],
    [5, 1.237, "skip"],
  ]);
  assertEquals(entries[5]?.["why"], { a: "b\n" });
  assertMatch(entries[0]?.time ?? "", /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  assertEquals(journalFault(Deno.readTextFileSync(path)), undefined);
});

Deno.test("openJournal() measures time on the process's own clock", () => {
  using temp = new TempFolder();
  const path = `${temp.path}/j`;
  const before = performance.now() / 1000;
  using journal = openJournal(path);
  journal.write({ kind: "x" });
  const at = parseJournal(Deno.readTextFileSync(path)).entries[0]?.at ?? NaN;
  assert(at >= before - 0.001 && at <= performance.now() / 1000 + 0.001);
});

Deno.test("an entry cannot pass for another line", () => {
  using temp = new TempFolder();
  using journal = openJournal(`${temp.path}/j`);
  const entry = { kind: "x", seq: 9, at: -1, time: "" } as unknown as JournalEntry;
  journal.write(entry);
  assertEquals(kinds(`${temp.path}/j`), ["x"]);
});

Deno.test("openJournal() names its path where the first sync fails", () => {
  using temp = new TempFolder();
  const path = `${temp.path}/j`;
  const open = (path: string) => {
    const file = Deno.openSync(path, { read: true, append: true, create: true });
    return Object.assign(file, {
      syncSync() {
        throw new Error("Input/output error (os error 5)");
      },
    });
  };
  assertThrows(
    () => withFileFaults({}, () => openJournal(path, { open })),
    FileFault,
    `Cannot use ${path}: need a disk that works: `,
  );
});

Deno.test("openJournal() cuts a torn last line off, wherever it was torn", () => {
  using temp = new TempFolder();
  const path = `${temp.path}/j`;
  const last = line(2, ',"text":"größer"');
  const bytes = new TextEncoder().encode(last);
  for (let n = 0; n < bytes.length; n++) {
    const whole = new TextEncoder().encode(line(0) + line(1));
    Deno.writeFileSync(path, new Uint8Array([...whole, ...bytes.subarray(0, n)]));
    const warn = (text: string) => {
      throw new Error(text);
    };
    using journal = openJournal(path, { warn });
    assertEquals(journal.entries.length, 2);
    journal.write({ kind: "next" });
    assertEquals(kinds(path), ["x", "x", "next"]);
  }
});

/** A journal of four lines with checksums. */
function sealed(temp: TempFolder, name = "j"): string {
  const path = `${temp.path}/${name}`;
  using journal = openJournal(path, { now: () => 1500 });
  for (const n of [1, 2, 3, 4]) journal.write({ kind: "x", n, text: `größer ${name}` });
  return Deno.readTextFileSync(path);
}

/** Its lines, each with its line feed. */
const linesOf = (text: string) => text.split("\n").slice(0, -1).map((line) => line + "\n");

Deno.test("any flipped bit is detected in its line", () => {
  using temp = new TempFolder();
  const text = sealed(temp);
  const earlier = line(0) + line(1, ',"skips":[237]');
  const { crc } = parseJournal(earlier);
  const stamp = { at: 1, time: "2026-01-02T03:04:05.678Z", kind: "x" };
  // Lines without checksums are covered by that of the first line which has one.
  const mixed = earlier + printLine({ ...stamp, seq: 2 }, crc).line + "\n";
  for (const whole of [text, mixed]) {
    const { entries } = parseJournal(whole);
    const bytes = new TextEncoder().encode(whole);
    let hit = 1;
    for (const [i, byte] of bytes.entries()) {
      for (let bit = 0; bit < 8; bit++) {
        bytes[i] = byte ^ (1 << bit);
        const found = parseJournal(new TextDecoder().decode(bytes));
        const what = `byte ${i}, bit ${bit}: ${found.fault}`;
        // Without its line feed the last line counts by its checksum.
        if (i === bytes.length - 1) {
          assertEquals([found.entries, found.fault], [entries, undefined]);
        } else if (whole === text) assert(found.fault?.startsWith(`line ${hit} `), what);
        else assert(found.fault !== undefined, what);
      }
      bytes[i] = byte;
      if (byte === 10) hit++;
    }
  }
});

Deno.test("lost, swapped, repeated, replaced and inserted lines are detected; other line endings are accepted", () => {
  using temp = new TempFolder();
  const text = sealed(temp);
  const [a = "", b = "", c = "", d = ""] = linesOf(text);
  const other = linesOf(sealed(temp, "k"));
  const bare = b.replace(/"crc32":"[0-9a-f]{8}",/, "");
  const cases: [string, string, string | undefined][] = [
    ["the first is lost", b + c + d, "line 1 does not match its checksum"],
    ["one is lost", a + c + d, "line 2 does not match its checksum"],
    ["two are swapped", a + c + b + d, "line 2 does not match its checksum"],
    ["one is repeated", a + b + b + c + d, "line 3 does not match its checksum"],
    ["one is of another journal", a + other[1] + c + d, "line 2 does not match its checksum"],
    ["one has lost its checksum", a + bare + c + d, "line 2 has no checksum"],
    ["one is empty", a + "\n" + b, "line 2 is not a JSON object"],
    ["one is zeros", a + "\0".repeat(90) + "\n" + b, "line 2 is not a JSON object"],
    ["two are one", a + b.trimEnd() + c + d, "line 2 does not match its checksum"],
    ["the last are lost", a + b, undefined],
    ["line ends of another system", text.replaceAll("\n", "\r\n"), undefined],
    ["an editor took the last line feed", text.trimEnd(), undefined],
  ];
  for (const [what, changed, fault] of cases) assertEquals(journalFault(changed), fault, what);
  const whole = parseJournal(text);
  for (const [what, changed] of cases.slice(-2)) assertEquals(parseJournal(changed), whole, what);
});

Deno.test("openJournal() refuses a damaged journal as it is, and names file and line", () => {
  using temp = new TempFolder();
  const path = `${temp.path}/j`;
  const text = sealed(temp).replace('"n":2', '"n":3');
  Deno.writeTextFileSync(path, text);
  const error = assertThrows(() => openJournal(path), UserError);
  assertEquals(error.exit, "incompatible");
  assertEquals(
    error.message,
    `Cannot open a journal: need a whole ${path}, of which nothing may be lost: line 2 does not match ` +
      "its checksum: bring a good copy back, or move it away",
  );
  assertEquals([...Deno.readDirSync(temp.path)].map(({ name }) => name), ["j"]);
  assertEquals(Deno.readTextFileSync(path), text);
});

Deno.test("a torn last line is removed, and the next one continues the checksum before it", () => {
  using temp = new TempFolder();
  const path = `${temp.path}/j`;
  const text = sealed(temp);
  const [a, b, c, d = ""] = linesOf(text);
  const last = new TextEncoder().encode(d);
  for (let n = 0; n <= last.length; n++) {
    const torn = [...new TextEncoder().encode(`${a}${b}${c}`), ...last.subarray(0, n)];
    Deno.writeFileSync(path, new Uint8Array(torn));
    using journal = openJournal(path);
    assertEquals(journal.entries.length, n < last.length - 1 ? 3 : 4);
    journal.write({ kind: "next" });
    assertEquals(kinds(path).at(-1), "next");
  }
});

Deno.test("journalFault() names the first line that breaks a rule", () => {
  const bad: [string, string][] = [
    [line(1), "line 1 must have seq 0: it has 1"],
    [line(0) + line(2), "line 2 must have seq 1: it has 2"],
    [line(0) + line(0), "line 2 must have seq 1: it has 0"],
    [line(0) + "\n", "line 2 is not a JSON object"],
    ["[]\n", "line 1 is not a JSON object"],
    ["null\n", "line 1 is not a JSON object"],
    ["{}\n", "line 1 has no checksum"],
    [line(0).replace("0.5", "-1"), "line 1 must have seconds as at"],
    [line(0).replace("0.5", "null"), "line 1 must have seconds as at"],
    [line(0).replace("2026", "x"), "line 1 must have a time"],
    [line(0).replace('"x"', '""'), "line 1 must have a kind"],
  ];
  for (const [text, fault] of bad) assertEquals(journalFault(text), fault);
  for (const text of ["", line(0), line(0) + line(1), line(0) + '{"seq":1,']) {
    assertEquals(journalFault(text), undefined);
  }
});

Deno.test("write() syncs only with the option", () => {
  using temp = new TempFolder();
  const faults = new Faults();
  using journal = openJournal(`${temp.path}/j`, { open: faults.open });
  const { synced } = faults;
  journal.write({ kind: "a" });
  assertEquals(faults.synced, synced);
  journal.write({ kind: "b" }, { sync: true });
  assertEquals(faults.synced, synced + 1);
});

Deno.test("sync() syncs what was written, and an error is a warning", () => {
  using temp = new TempFolder();
  const path = `${temp.path}/j`;
  const faults = new Faults();
  const warnings: string[] = [];
  const warn = (text: string) => void warnings.push(text);
  using journal = openJournal(path, { warn, open: faults.open });
  const { synced } = faults;
  faults.room = 20;
  journal.write({ kind: "a" });
  faults.room = Infinity;
  journal.sync();
  assertEquals([faults.synced, kinds(path)], [synced + 1, ["a"]]);
  faults.fail = "sync";
  journal.write({ kind: "b" });
  journal.sync();
  faults.fail = undefined;
  journal.sync();
  assertEquals([faults.synced, kinds(path)], [synced + 2, ["a", "b"]]);
  assertEquals(warnings, [`Cannot write ${path}: No space left on device`]);
});

Deno.test("write() continues after a full disk, without a gap or a partial line", () => {
  using temp = new TempFolder();
  const path = `${temp.path}/j`;
  const faults = new Faults();
  const warnings: string[] = [];
  const warn = (text: string) => void warnings.push(text);
  using journal = openJournal(path, { warn, open: faults.open });
  journal.write({ kind: "a" });
  faults.room = 20;
  for (const kind of ["b", "c"]) journal.write({ kind });
  assertEquals(kinds(path), ["a"]);
  assertEquals(warnings, [`Cannot write ${path}: No space left on device`]);
  faults.room = Infinity;
  journal.write({ kind: "d" });
  assertEquals(kinds(path), ["a", "b", "c", "d"]);
});

Deno.test("write() keeps what it could not write until the journal is closed", () => {
  using temp = new TempFolder();
  const path = `${temp.path}/j`;
  const faults = new Faults();
  {
    using journal = openJournal(path, { open: faults.open });
    faults.room = 0;
    journal.write({ kind: "a" });
    faults.room = Infinity;
  }
  assertEquals(kinds(path), ["a"]);
});

Deno.test("write() with sync after a failed sync rewrites all lines into a new file", () => {
  using temp = new TempFolder();
  const path = `${temp.path}/j`;
  const faults = new Faults();
  using journal = openJournal(path, { open: faults.open });
  journal.write({ kind: "a" });
  const { ino } = Deno.statSync(path);
  faults.fail = "sync";
  assertThrows(() => journal.write({ kind: "b" }, { sync: true }), Error, "Input/output");
  faults.fail = undefined;
  journal.write({ kind: "c" }); // That may be lost, as any line without a sync.
  assertEquals(Deno.statSync(path).ino, ino);
  journal.write({ kind: "d" }, { sync: true });
  assert(Deno.statSync(path).ino !== ino, "What an earlier sync dropped is not written again");
  journal.write({ kind: "e" });
  assertEquals(kinds(path), ["a", "c", "d", "e"]);
});

Deno.test("write() goes on in the file at the path when the new one could not be opened at first", () => {
  using temp = new TempFolder();
  const path = `${temp.path}/j`;
  const faults = new Faults();
  let opens = true;
  const open = (path: string) => {
    if (!opens) throw new Error("Too many open files (os error 24)");
    return faults.open(path);
  };
  using journal = openJournal(path, { open });
  journal.write({ kind: "a" });
  faults.fail = "sync";
  assertThrows(() => journal.write({ kind: "b" }, { sync: true }), Error, "Input/output");
  faults.fail = undefined;
  opens = false;
  assertThrows(() => journal.write({ kind: "c" }, { sync: true }), Error, "Too many open");
  journal.write({ kind: "d" });
  opens = true;
  journal.write({ kind: "e" }, { sync: true });
  assertEquals(kinds(path), ["a", "d", "e"]);
});

Deno.test("a journal reports lost lines when it is closed", () => {
  using temp = new TempFolder();
  const path = `${temp.path}/j`;
  const faults = new Faults();
  const warnings: string[] = [];
  {
    using journal = openJournal(path, { open: faults.open, warn: (text) => warnings.push(text) });
    faults.room = 0;
    for (const kind of ["a", "b"]) journal.write({ kind });
  }
  assertEquals(warnings.slice(1), [`${path} lacks 2 lines: see above`]);
});

Deno.test("write() drops entries beyond the buffer's limit, without a gap in numbers", () => {
  using temp = new TempFolder();
  const path = `${temp.path}/j`;
  const faults = new Faults();
  using journal = openJournal(path, { open: faults.open });
  faults.room = 0;
  journal.write({ kind: "a" });
  journal.write({ kind: "huge", text: "x".repeat(2 ** 20) });
  faults.room = Infinity;
  journal.write({ kind: "b" });
  assertEquals(kinds(path), ["a", "b"]);
});

Deno.test("write() with sync throws if the line is not on disk, and removes it", () => {
  using temp = new TempFolder();
  const path = `${temp.path}/j`;
  const faults = new Faults();
  using journal = openJournal(path, { open: faults.open });
  faults.room = 20;
  assertThrows(() => journal.write({ kind: "a" }, { sync: true }), Error, "No space left");
  faults.room = Infinity;
  faults.fail = "sync";
  assertThrows(() => journal.write({ kind: "b" }, { sync: true }), Error, "Input/output error");
  faults.fail = undefined;
  journal.write({ kind: "c" }, { sync: true });
  assertEquals(kinds(path), ["c"]);
});

Deno.test("write() appends nothing after a line that it could not remove", () => {
  using temp = new TempFolder();
  const path = `${temp.path}/j`;
  const faults = new Faults();
  const warnings: string[] = [];
  {
    using journal = openJournal(path, { open: faults.open, warn: (text) => warnings.push(text) });
    faults.room = 20;
    faults.fail = "truncate";
    assertThrows(() => journal.write({ kind: "a" }, { sync: true }), Error, "No space left");
    faults.room = Infinity;
    assertThrows(() => journal.write({ kind: "b" }, { sync: true }), Error, "Cannot truncate");
    journal.write({ kind: "c" });
    assertEquals(warnings, [`Cannot write ${path}: Cannot truncate`]);
  }
  using again = openJournal(path);
  assertEquals(again.entries, []);
  again.write({ kind: "d" });
  assertEquals(kinds(path), ["d"]);
});

Deno.test("openJournal() throws where it cannot write at all", () => {
  using temp = new TempFolder();
  assertThrows(() => openJournal(`${temp.path}/nowhere/j`), Deno.errors.NotFound);
});

Deno.test("a journal whose file is moved is rewritten, and a file at its path is kept", () => {
  const swaps: Record<string, (path: string) => void> = {
    "it was gone": () => {},
    "a link": (path) => Deno.symlinkSync("mine", path),
    "a pipe": mkfifo,
    "a file": (path) => Deno.writeTextFileSync(path, "mine"),
    "a folder": (path) => Deno.mkdirSync(path),
  };
  for (const [what, swap] of Object.entries(swaps)) {
    using temp = new TempFolder();
    const path = `${temp.path}/j`;
    const said: string[] = [];
    Deno.writeTextFileSync(`${temp.path}/mine`, "mine");
    {
      using journal = openJournal(path, { warn: (text) => said.push(text) });
      journal.write({ kind: "a" });
      Deno.removeSync(path);
      swap(path);
      journal.sync();
      journal.write({ kind: "b" }, { sync: true });
    }
    assertEquals(kinds(path), ["a", "b"], what);
    const state = what === "it was gone" ? what : `what lay there is kept as ${path}.1`;
    assertEquals(said, [`${path} was written anew: ${state}`]);
    assertEquals(Deno.readTextFileSync(`${temp.path}/mine`), "mine");
  }
});
