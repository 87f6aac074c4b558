/**
 * Entry of a process that looks at the adapter it gets, and prints one line of JSON; null where
 * there is none. It is a process of its own because a driver may crash or hang, and because cards
 * are chosen by a process's variables. With the argument `name` it measures nothing.
 */
import { openAdapter } from "../../device/adapter.ts";
import { bandwidthsOf } from "../../device/bandwidth.ts";
import { numericsOf } from "../../device/numerics.ts";
import { surveyAdapter } from "../../device/survey.ts";
import type { Look } from "./facts.ts";

async function look(): Promise<Look | null> {
  const survey = await surveyAdapter();
  if (survey === undefined) return null;
  const { device } = await openAdapter();
  const numerics = await numericsOf(device);
  return { ...survey, numerics, bandwidths: await bandwidthsOf(device) };
}

if (import.meta.main) {
  const isBrief = Deno.args[0] === "name";
  const found = isBrief ? await openAdapter().then(({ name }) => ({ name })) : await look();
  console.log(JSON.stringify(found));
}
