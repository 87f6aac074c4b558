/** The command `scaling` in a process of its own, as a user runs it. */
import { assert, assertEquals } from "@std/assert";
import { EXIT, type ExitName } from "../../src/base/user_error.ts";
import { linesOf, rowsOf } from "../scaling/sweep.ts";
import { runTask } from "./plain_task.ts";
import { namesIn, Place } from "./support.ts";

function scaling(place: Place, ...args: readonly string[]): ReturnType<typeof runTask> {
  return runTask(place, { name: "scaling", args });
}

Deno.test("scaling: from a sweep's trials to its page, the same again", async () => {
  using place = new Place();
  Deno.mkdirSync(place.of("sweep"));
  place.write("sweep/trials.jsonl", linesOf(rowsOf(4)));
  const words = ["sweep", "--bootstrap=200", "--budgets=1e12,1e13", "--seed=3"];
  const { code, stdout, stderr } = await scaling(place, ...words);
  assertEquals([code, stderr], [0, ""]);
  const lines = stdout.trimEnd().split("\n");
  assertEquals(lines[0], "16 trials, N counts all, val_loss; 1 failed, 1 stopped early");
  assertEquals(lines.filter((line) => line.startsWith("  C ")).length, 2);
  assertEquals(lines.at(-1), "Everything lies in sweep; the page is sweep/scaling.html");
  const files = [
    "isoflop.svg",
    "loss.svg",
    "points.csv",
    "residuals.svg",
    "scaling.html",
    "scaling.json",
    "trials.jsonl",
  ];
  assertEquals(namesIn(place.of("sweep")), files);
  const texts = () => files.map((name) => Deno.readTextFileSync(place.of(`sweep/${name}`)));
  const before = texts();
  assertEquals(place.json("sweep/scaling.json")["bootstrap"], { draws: 200, seed: 3, level: 0.95 });
  // What it wrote is a table that it reads as well.
  const table = await scaling(place, "other", "--csv=sweep/points.csv", ...words.slice(1));
  assertEquals([table.code, table.stderr], [0, ""]);
  assertEquals(table.stdout.split("\n").slice(1, 12), lines.slice(1, 12));
  assertEquals((await scaling(place, ...words)).code, 0);
  assertEquals(texts(), before);
  place.assertQuiet();
});

Deno.test("scaling: what it cannot fit is refused in one line, and nothing is written", async () => {
  using place = new Place();
  Deno.mkdirSync(place.of("few"));
  place.write("few/trials.jsonl", linesOf(rowsOf(1)));
  place.write("points.csv", "params,tokens,loss\n1,2,3\n");
  place.write("quote.csv", 'params,tokens,loss\n"1,2,3\n');
  const refused: [string[], ExitName, string][] = [
    [
      ["few"],
      "data",
      "Cannot fit L(N, D): need at least 6 trials of 3 sizes and 3 token counts: got 4 of 1 and 4",
    ],
    [
      ["none"],
      "noInput",
      "Cannot read none/trials.jsonl: need a table of trials: there is none",
    ],
    [
      ["few", "--csv=quote.csv"],
      "data",
      "Cannot read quote.csv, row 2: need a table with commas: ",
    ],
    [[], "config", "Cannot fit: need one folder, as in deno task scaling DIR "],
    [
      ["--csv=points.csv"],
      "config",
      "Cannot fit: need a folder to write to, as in deno task scaling OUT --csv=points.csv: got none",
    ],
    [["few", "--bootstrap=50"], "config", "Cannot take --bootstrap: need an integer in [200, "],
    [
      ["few", "--params=some"],
      "config",
      "Cannot take --params: need all | no_embedding | matrices",
    ],
    [["few", "--budgets=1e15,x"], "config", "Cannot take --budgets: need FLOP with commas between"],
    [
      ["few", "--csv=points.csv", "--params=matrices"],
      "config",
      "Cannot take --params=matrices: a table of --csv has one count, params",
    ],
  ];
  for (const [args, exit, says] of refused) {
    const { code, stdout, stderr } = await scaling(place, ...args);
    assertEquals([code, stdout], [EXIT[exit], ""], stderr);
    assert(stderr.startsWith(`error: ${says}`) && stderr.split("\n").length === 2, stderr);
  }
  assertEquals(namesIn(place.of("few")), ["trials.jsonl"]);
});

Deno.test("scaling: the table that is fitted is not written over", async () => {
  using place = new Place();
  const rows = rowsOf(3).slice(1, 13) as {
    tokens: number;
    val_loss: number;
    params: { all: number };
  }[];
  const table = [
    "tokens,mine,loss,params",
    ...rows.map((row) => [row.tokens, "x", row.val_loss, row.params.all].join(",")),
  ].join("\n");
  place.write("points.csv", table);
  const { code, stderr } = await scaling(place, ".", "--csv=points.csv", "--bootstrap=200");
  assertEquals(code, EXIT.config);
  assertEquals(stderr, "error: Cannot write points.csv: it is what is fitted\n");
  assertEquals(Deno.readTextFileSync(place.of("points.csv")), table);
});
