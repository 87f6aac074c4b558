/**
 * Whatever becomes of stdout and stderr, a command ends as it does with a reader, and leaves the same
 * files. Only where a full disk takes what the command is for does it say so by its code.
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { EXIT } from "../../src/base/user_error.ts";
import { namesIn, Place, SMOKE, taskWords, tinyArgs } from "../e2e/support.ts";

/** A command in a cheap form; FILES stands for a folder, of four letters, that no other call has. */
interface Line {
  readonly task: string;
  readonly args: readonly string[];
  /** It writes files, and its stdout only reports. */
  readonly reports?: boolean;
  readonly code?: number;
}

const LINES: readonly Line[] = [
  { task: "train", args: ["--print-config", SMOKE] },
  { task: "sweep", args: ["--help"] },
  {
    task: "prepare",
    args: ["text.txt", "--tokenizer=byte", "--out=FILES"],
    reports: true,
  },
  { task: "eval", args: ["--help"] },
  { task: "plan", args: ["--help"] },
  { task: "profile", args: ["--help"] },
  { task: "scaling", args: ["FILES", "--csv=table.csv", "--bootstrap=200"], reports: true },
  { task: "doctor", args: ["--help"] },
  { task: "workers", args: ["none", "3"], code: EXIT.config },
  { task: "export", args: ["--help"] },
  { task: "import", args: ["--help"] },
  { task: "generate", args: ["--help"] },
];

/** What is done to the streams, as a shell says it. */
const GONE = {
  "the reader of both gone": "</dev/null 2>&1 | true",
  "both closed": ">&- 2>&-",
} as const;

/** Runs a command in a shell; gives its code and what is on stderr. */
async function run(place: Place, { task, args }: Line, streams: string) {
  const words = [Deno.execPath(), ...taskWords(task), ...args];
  const quoted = words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(" ");
  const { stderr, stdout } = await new Deno.Command("bash", {
    // The code goes its own way: nobody reads what the command says.
    args: ["-c", `exec 3>&1; { ${quoted}; echo "code $?" >&3; } ${streams}`],
    cwd: place.path,
    env: { NO_COLOR: "1", XDG_RUNTIME_DIR: place.path, TMPDIR: place.of("tmp") },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).output();
  const text = new TextDecoder().decode(stdout);
  return {
    code: Number(/code (\d+)\n/.exec(text)?.[1]),
    stderr: new TextDecoder().decode(stderr),
  };
}

/** Names and sizes of the files in a folder; none where there is no folder. */
function files(place: Place, name: string): Record<string, number> {
  try {
    const sizes = namesIn(place.of(name)).map((each): [string, number] => [
      each,
      Deno.statSync(place.of(`${name}/${each}`)).size,
    ]);
    return Object.fromEntries(sizes);
  } catch {
    return {};
  }
}

function table(): string {
  const rows = [1e6, 2e6, 4e6, 8e6].flatMap((n) =>
    [1e8, 2e8, 4e8, 8e8].map((d) => `${n},${d},${1.7 + 400 / n ** 0.34 + 410 / d ** 0.28}\n`)
  );
  return "params,tokens,loss\n" + rows.join("");
}

for (const line of LINES) {
  const { task, args, reports = false, code = EXIT.done } = line;
  const name = `${task} ${args.includes("--help") ? "--help" : ""}`.trim();
  Deno.test(`${name} ends as it does with a reader, whatever becomes of its streams`, async () => {
    using place = new Place();
    place.write("table.csv", table());
    const named = (out: string) => ({
      ...line,
      args: args.map((arg) => arg.replace("FILES", out)),
    });
    assertEquals((await run(place, named("read"), ">/dev/null 2>/dev/null")).code, code);
    // What only prints help is closed in one way.
    const ways = Object.entries(GONE).slice(0, args.includes("--help") ? 1 : undefined);
    for (const [how, streams] of ways) {
      assertEquals((await run(place, named("gone"), streams)).code, code, how);
      assertEquals(files(place, "gone"), files(place, "read"), how);
      if (reports) Deno.removeSync(place.of("gone"), { recursive: true });
    }
    const full = await run(place, named("full"), ">/dev/full");
    const isLost = !reports && code === EXIT.done;
    assertEquals(full.code, isLost ? EXIT.tooLarge : code);
    assertEquals(files(place, "full"), files(place, "read"));
    if (code === EXIT.done) {
      assertMatch(full.stderr, /^(?:error: )?Cannot write to stdout: .*the disk is full.* lost$/m);
      assertEquals(full.stderr.includes("error: "), isLost);
    }
    assertEquals((await run(place, named("errs"), "2>/dev/full")).code, code);
    assertEquals(files(place, "errs"), files(place, "read"));
    assert(reports === (Object.keys(files(place, "read")).length > 0));
  });
}

Deno.test("a run ends in the same state with its code, whatever becomes of its streams", async () => {
  using place = new Place();
  const train = (out: string) => ({
    task: "train",
    args: tinyArgs(out, "--steps=3", "--report.sample_length=0"),
  });
  await run(place, train("read"), ">/dev/null 2>/dev/null");
  for (const streams of ["2>/dev/full | head -1", ">/dev/full"]) {
    const { code, stderr } = await run(place, train("other"), streams);
    assertEquals([code, place.stateHash("other")], [EXIT.done, place.stateHash("read")], streams);
    if (streams === ">/dev/full") assertMatch(stderr, /Cannot write to stdout: .*is full/);
    Deno.removeSync(place.of("other"), { recursive: true });
  }
  place.assertQuiet();
});
