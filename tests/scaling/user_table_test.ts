/** Tables as people have them: what is read, and what is refused with its row, column and cell. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { UserError } from "../../src/base/user_error.ts";
import { csvRows } from "../../src/cli/csv.ts";
import type { Trials } from "../../src/scaling/read.ts";
import { readTable } from "../../src/scaling/user_table.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const utf16 = (text: string, little: boolean) =>
  Uint8Array.from(
    [..."\ufeff" + text].flatMap((c) => {
      const code = c.charCodeAt(0);
      return little ? [code & 255, code >> 8] : [code >> 8, code & 255];
    }),
  );

function read(text: string | Uint8Array): Trials {
  return readTable(csvRows(typeof text === "string" ? bytes(text) : text, "t.csv"), "t.csv");
}

function refused(text: string | Uint8Array): string {
  const refusal = assertThrows(() => read(text), UserError);
  assertEquals([refusal.exit, refusal.message.includes("\n")], ["data", false]);
  return refusal.message;
}

/** Parameters, tokens, FLOP and loss of the first trial. */
function first(text: string | Uint8Array): number[] {
  const [point] = read(text).points.all ?? [];
  assert(point !== undefined);
  return [point.params, point.tokens, point.flops, point.loss];
}

const HEAD = "params,tokens,flops,loss\n";
const ROW = [7e7, 1.4e9, 6 * 7e7 * 1.4e9, 2.31];

Deno.test("cells of a table are read as people write numbers", () => {
  const same: readonly string[] = [
    `${HEAD}70000000,1400000000,5.88e17,2.31`,
    `${HEAD}70M,1.4B,588 PFLOPs,2.31`,
    `${HEAD}70m,1.4 b tokens,588e15 FLOP,2.31 nats`,
    `${HEAD}7e7,1.4E+09,0.588 EFLOP,+2.31`,
    `${HEAD}"70,000,000","1,400,000,000",5.88e17,2.310`,
    `${HEAD}70 000 000,1\u202f400\u202f000\u202f000,588'000'000'000'000'000,2.31`,
    `${HEAD}70_000_000,1.4G,,2.31`,
    `params;tokens;flops;loss\n70M;1,4B;5,88e17;2,31`,
    `params;tokens;flops;loss\n70.000.000;1.400.000.000;5,88e17;2,310\n1.000;9;9;2,3`,
    `params\ttokens\tflops\tloss\n70M\t1.4B\t\t2.31`,
    `params | tokens | flops | loss\n70M | 1.4B |  | 2.31`,
    `sep=;\nparams;tokens;flops;loss\n70M;1,4B;;2,31`,
    `Final Loss,TRAINING-TOKENS,Model Size,FLOPs\r\n2.31,1.4B,70M,588P\r\n`,
    `Loss,D,N,C\n2.31,1.4B,70M,588P`,
    `"loss","tokens","params"\r"2.31","1400000000","70000000"`,
    `\ufeffparams,tokens,loss\n70M,1.4B,2.31\n,,\n`,
  ];
  for (const text of same) {
    first(text).forEach((value, i) =>
      assert(Math.abs(value / (ROW[i] as number) - 1) < 1e-12, `${text}: ${value}`)
    );
  }
  assertEquals(first(utf16(same[0] as string, true)), ROW);
  assertEquals(first(utf16(same[0] as string, false)), ROW);
  // One comma before three digits parts thousands where a count is whole.
  assertEquals(first('params,tokens,loss\n"1,000","50,000",2.5').slice(0, 2), [1000, 50_000]);
  // Another cell of the column shows what the comma is.
  assertEquals(first("params;tokens;loss\n1M;5M;2,310\n1M;6M;2,25").at(-1), 2.31);
});

Deno.test("cells that can be no number are refused with file, row, column and text", () => {
  const row = (cells: string) => `${HEAD}1e6,1e8,,3\n\n${cells}\n`;
  // Row 4 as a spreadsheet has it: the header, a trial, an empty row.
  const at = (column: string) => `Cannot read t.csv, row 4, column ${column}: need `;
  const table: readonly [string, string][] = [
    ["x,1,,2", at("params") + 'a number of parameters as 70000000, 7e7 or 70M: got "x"'],
    [",1,,2", at("params") + "a number of parameters as 70000000, 7e7 or 70M: got an empty cell"],
    ["1,1.4Q,,2", at("tokens") + 'a number of tokens as 1400000000, 1.4e9 or 1.4B: got "1.4Q"'],
    ["1,1,300E,2", at("flops") + 'FLOP as 3e20 or 300 EFLOP: got "300E"'],
    ["1,1,3 PF-days,2", at("flops") + 'FLOP as 3e20 or 300 EFLOP: got "3 PF-days"'],
    ["1,1,,NaN", at("loss") + 'a loss in nats per token as 2.31: got "NaN"'],
    ["1,1,,-2.3", at("loss") + 'a loss in nats per token as 2.31: got "-2.3"'],
    ["1,1,,Infinity", at("loss") + 'a loss in nats per token as 2.31: got "Infinity"'],
    ["1,1,,0x10", at("loss") + 'a loss in nats per token as 2.31: got "0x10"'],
    ["1,1,,2.3M", at("loss") + 'a loss in nats per token as 2.31: got "2.3M"'],
    ["1,1,,1.2 bits", at("loss") + 'a loss in nats per token as 2.31: got "1.2 bits"'],
    ['1,1,,"2,310"', at("loss") + 'a loss in nats per token as 2.31: got "2,310", which can be'],
    ['"1,400B",1,,2', at("params") + "a number of parameters as 70000000, 7e7 or 70M: got"],
    ["70.000,1,,2", at("params") + "a number of parameters as 70000000, 7e7 or 70M: got"],
    ['1,"1,00,000",,2', at("tokens") + "a number of tokens as"],
    ["1,1,,0", "Cannot fit t.csv, row 4: need a positive, finite loss: 0"],
    ["1e290,1,,2", "Cannot fit t.csv, row 4: need params in [1, 1e+24]: 1e+290"],
    ["1,1,,1e300", "Cannot fit t.csv, row 4: need loss in [1e-9, 1e+9]: 1e+300"],
    // A decimal comma where commas part cells.
    [
      "1e6,1e8,,2,31",
      "Cannot read t.csv, row 4: need 4 cells as the header has: got 5; a separator inside",
    ],
    ['1e6,1e8,,"2', "Cannot read t.csv, row 4: need a table with commas: "],
  ];
  for (const [cells, says] of table) {
    const message = refused(row(cells));
    assert(message.startsWith(says), `${cells}: ${message}`);
  }
  // Two cells of one column that use the comma in two ways.
  assertEquals(
    refused("params;tokens;loss\n1M;5M;2,31\n1M;6M;2.310"),
    "Cannot read t.csv, row 3, column loss: need a loss in nats per token as 2.31: " +
      'got "2.310", which can be read in two ways',
  );
});

Deno.test("a table's columns are found by their headers, and the others are said", () => {
  const { notes } = read("N_params,Tokens,Final Loss,lr,seed\n1M,5M,2.3,1e-3,1");
  assertEquals(notes, [
    'Read params from "N_params", tokens from "Tokens", loss from "Final Loss"',
    "Ignored the columns lr, seed",
  ]);
  assertEquals(read("loss,tokens,params\n2.3,5M,1M").notes, []);
  assertEquals(read("loss,tokens,params,val_loss\n2.3,5M,1M,9").notes, [
    "Ignored the column val_loss",
  ]);
  const need = "Cannot read t.csv: need the columns params, tokens, loss: no ";
  assertEquals(refused("params,loss,steps\n1,2,3"), need + "tokens among params, loss, steps");
  assertEquals(refused(""), need + "params, tokens, loss; the first row is empty");
  assertEquals(
    refused("params,tokens,train_loss,val_loss\n1,2,3,4"),
    'Cannot read t.csv: need one column for loss: got "train_loss" and "val_loss"; ' +
      "call the one that is meant loss",
  );
});

Deno.test("separators and encodings that cannot be read are named", () => {
  const text = "params tokens loss\n1e6 1e8 3\n";
  assertEquals(
    refused(text),
    "Cannot read t.csv: need cells with commas, semicolons, tabs or | between: got spaces",
  );
  const need = "Cannot read t.csv: need UTF-8 text: ";
  const latin = Uint8Array.from(
    "params,tokens,loss,name\n1,2,3,gr\xf6\xdfe\n",
    (c) => c.charCodeAt(0),
  );
  assertEquals(
    refused(latin),
    need + "byte 32 is not: 0xF6 in line 2, as in Latin-1 (ISO 8859-1, Windows-1252)",
  );
  assertEquals(
    refused(utf16("params,tokens,loss\n", true).subarray(2)),
    need + "it is UTF-16LE; convert it, as iconv -f UTF-16LE -t UTF-8 does",
  );
  assertEquals(
    refused(Uint8Array.of(0x50, 0x4b, 3, 4, 0)),
    need + "it is a zip archive, as .zip, .docx, .xlsx, .epub and .npz are",
  );
  assertEquals(
    refused(Uint8Array.of(0x1f, 0x8b, 8, 0)),
    need + "it is a gzip file; prepare unpacks one that is named .gz",
  );
});

Deno.test("rows that repeat another in every digit count once, replicates of a seed count all", () => {
  const { points, repeated } = read(
    "params,tokens,loss,name\n1M,5M,2.3,a\n1M,5M,2.31,b\n\n1M,5M,2.3,c\n1e6,5e6,2.300,d\n",
  );
  assertEquals(points.all?.map(({ name }) => name), ["a", "b"]);
  assertEquals(repeated, ["row 5 repeats row 2", "row 6 repeats row 2"]);
});

Deno.test("a cell with line ends in it counts as one row", () => {
  const text = 'params,tokens,loss,name\n1M,5M,2.3,"two\nlines"\n1M,6M,x,c\n';
  assert(refused(text).startsWith("Cannot read t.csv, row 3, column loss: "), refused(text));
});
