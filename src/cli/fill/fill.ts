/** The command `fill`: tells the hidden tokens of a text. */
import { sayLines, sayText, warn } from "../../base/text/say.ts";
import { UserError } from "../../base/user_error.ts";
import { type OpenedModel, openModel } from "../../artifacts/model.ts";
import { maskedTokens } from "../../artifacts/masked_tokens.ts";
import { MASK_TOKEN } from "../../data/tokenizers/special/special.ts";
import type { Tokenizer } from "../../data/tokenizers/types.ts";
import { countUnknown, unknownNote } from "../../data/unknown.ts";
import { openFull } from "../../engine/whole/whole_window.ts";
import { likeliest, type TokenChance } from "../../generate/likeliest.ts";
import { printsReport } from "../../terminal/output.ts";
import { compilingIn, openStatus } from "../../terminal/status.ts";
import { runCommand } from "../command.ts";
import { openDevice } from "../device.ts";
import { flagsHelp } from "../flags.ts";
import { table } from "../table.ts";
import { FILL, parseFill } from "./request.ts";

/** Runs `fill` with command-line arguments. @throws {UserError} */
export async function fillCommand(args: readonly string[]): Promise<void> {
  const request = parseFill(args);
  if (request === "help") return sayText(flagsHelp(FILL));
  const { path, top, json } = request;
  using status = openStatus();
  status.show(`reading ${path}`);
  const opened = await openModel(path, {
    which: request.which,
    warn: (text) => status.print(text),
  });
  const { tokenizer, mask } = maskingTokenizer(opened);
  const { tokens, hidden } = maskedTokens(request.text, { tokenizer, mask });
  requireRoom(tokens.length, opened);
  const device = await openDevice(request.device, compilingIn(status));
  const full = await openFull(device, opened, { rows: 1, time: tokens.length });
  const { vocabulary } = opened;
  const found: TokenChance[][] = [];
  for (const at of hidden) {
    const row = await full(tokens, { first: at * vocabulary, length: vocabulary });
    found.push(likeliest(row.subarray(0, tokenizer.size), top));
  }
  status.end();
  printsReport();
  const unknown = countUnknown(tokens, tokenizer);
  const note = unknownNote("the text", { unknown, tokens: tokens.length });
  if (note !== undefined) warn(note);
  for (const [i, at] of hidden.entries()) tokens[at] = found[i]?.[0]?.id as number;
  const text = tokenizer.decode(tokens);
  const shown = found.map((row) =>
    row.map(({ id, probability }) => ({ token: tokenizer.decode([id]), id, probability }))
  );
  sayLines(
    json
      ? [JSON.stringify({ text, hidden: shown })]
      : [text, ...table([["place", "tokens"], ...shown.map(rowOf)])],
  );
}

function rowOf(
  row: readonly { readonly token: string; readonly probability: number }[],
  place: number,
): string[] {
  const tokens = row.map(({ token, probability }) =>
    `${JSON.stringify(token)} ${(100 * probability).toFixed(1)} %`
  );
  return [String(place + 1), tokens.join("  ")];
}

/** The tokenizer of a model that tells hidden tokens. @throws {UserError} `config` for any other. */
function maskingTokenizer(
  { path, tokenizer, targetKind, classes, vocabulary }: OpenedModel,
): { tokenizer: Tokenizer; mask: number } {
  const mask = tokenizer?.special?.(MASK_TOKEN);
  if (
    tokenizer !== undefined && mask !== undefined && targetKind === "token_class" &&
    classes === vocabulary
  ) return { tokenizer, mask };
  throw new UserError(
    "config",
    `Cannot fill a text with ${path}: need a model that was trained on masked text ` +
      `(data.source=masked), whose tokenizer has ${MASK_TOKEN}: it has none or tells ${classes} ` +
      "classes apart",
  );
}

/** @throws {UserError} `config` for more tokens than the model takes at once. */
function requireRoom(count: number, { context }: OpenedModel): void {
  if (count <= context) return;
  throw new UserError(
    "config",
    `Cannot fill the text: need at most ${context} tokens, the model's window: it has ${count}`,
  );
}

if (import.meta.main) await runCommand(() => fillCommand(Deno.args));
