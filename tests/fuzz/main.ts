/**
 * The command `fuzz`: hostile frames and headers by the million through the real readers. A round
 * that breaks a contract ends it with its seed, so that it can be seen again.
 */
import { Refusal } from "../../src/base/refusal.ts";
import { runCommand } from "../../src/cli/command.ts";
import { campaign, GROWTH_LIMIT, showTally } from "./campaign.ts";
import { frameRound, Violation } from "./frames.ts";
import { headerRound } from "./headers.ts";

const USAGE = "deno task fuzz [--frames=1000000] [--headers=200000] [--seed=N]";

async function fuzz(args: readonly string[]): Promise<void> {
  const { frames, headers, seed } = parseFuzz(args);
  console.log(`seed ${seed}`);
  await play("frames", frameRound, { seed, rounds: frames });
  await play("headers", headerRound, { seed, rounds: headers });
}

async function play(
  title: string,
  round: Parameters<typeof campaign>[0],
  options: { seed: number; rounds: number },
): Promise<void> {
  const tally = await campaign(round, options);
  console.log(showTally(title, tally));
  if (tally.growth < GROWTH_LIMIT) return;
  throw new Violation(`${title}: memory grew by ${tally.growth} B, more than ${GROWTH_LIMIT}`);
}

function parseFuzz(args: readonly string[]): { frames: number; headers: number; seed: number } {
  const values = { frames: 1_000_000, headers: 200_000, seed: Date.now() % 2 ** 32 };
  for (const arg of args) {
    const [, name, digits] = /^--(frames|headers|seed)=(\d{1,10})$/.exec(arg) ?? [];
    if (name === undefined) throw new Refusal("config", `Cannot read ${arg}: need ${USAGE}`);
    values[name as keyof typeof values] = Number(digits);
  }
  return values;
}

if (import.meta.main) await runCommand(() => fuzz(Deno.args));
