/**
 * The command `fuzz`: runs hostile frames, headers, journals and tokenizer files through the
 * readers. A violated contract ends it with the seed that reproduces it.
 */
import * as z from "zod";
import { UserError } from "../../src/base/user_error.ts";
import { say, sayText } from "../../src/base/text/say.ts";
import { runCommand } from "../../src/cli/command.ts";
import { flagsHelp, type FlagsSpec, parseFlags } from "../../src/cli/flags.ts";
import { campaign, GROWTH_LIMIT, showTally } from "./campaign.ts";
import { frameRound, Violation } from "./frames.ts";
import { headerRound } from "./headers.ts";
import { journalRound } from "./journals.ts";
import { tokenizerRound } from "./tokenizers.ts";

const FUZZ = {
  usage: "deno task fuzz [--flag=value | --flag value]...",
  about:
    "Feeds hostile frames, headers and files of tokenizers, and damaged journals, to the readers.\n" +
    "A round that breaks a contract ends it with its seed.",
  examples: [
    "deno task fuzz",
    "deno task fuzz --frames=1000 --seed=7",
  ],
  flags: {
    frames: z.int().min(0).default(1_000_000).describe("Rounds of frames"),
    headers: z.int().min(0).default(200_000).describe("Rounds of headers"),
    journals: z.int().min(0).default(200_000).describe("Rounds of journals"),
    tokenizers: z.int().min(0).default(4000).describe("Rounds of files of tokenizers"),
    seed: z.int().min(0).optional().describe(
      "Root of all random numbers; default: from the clock",
    ),
  },
} satisfies FlagsSpec;

async function fuzz(args: readonly string[]): Promise<void> {
  const { positionals, values, help } = parseFlags(args, FUZZ);
  if (help) return sayText(flagsHelp(FUZZ));
  if (positionals.length > 0) {
    throw new UserError("config", `Cannot fuzz ${positionals.join(" ")}: need flags: --frames=N`);
  }
  const { frames, headers, journals, tokenizers, seed = Date.now() % 2 ** 32 } = values;
  say(`seed ${seed}`);
  await play("frames", frameRound, { seed, rounds: frames });
  await play("headers", headerRound, { seed, rounds: headers });
  await play("journals", journalRound, { seed, rounds: journals });
  await play("tokenizers", tokenizerRound, { seed, rounds: tokenizers });
}

async function play(
  title: string,
  round: Parameters<typeof campaign>[0],
  options: { seed: number; rounds: number },
): Promise<void> {
  const tally = await campaign(round, options);
  sayText(showTally(title, tally));
  if (tally.growth < GROWTH_LIMIT) return;
  throw new Violation(`${title}: memory grew by ${tally.growth} B, more than ${GROWTH_LIMIT}`);
}

if (import.meta.main) await runCommand(() => fuzz(Deno.args));
