/**
 * Entry of a process that looks at the adapter it gets, and prints one line of JSON; null where
 * there is none. It is a process of its own because a driver may crash or hang, and because cards
 * are chosen by a process's variables. Its first argument is the backend that its environment names;
 * with a second one, `name`, it measures nothing.
 */
import { openAdapter } from "../../device/adapter.ts";
import type { Backend } from "../../device/backend.ts";
import { bandwidthsOf } from "../../device/bandwidth.ts";
import { numericsOf } from "../../device/numerics.ts";
import { surveyAdapter } from "../../device/survey.ts";
import type { Look } from "./facts.ts";

async function look(backend: Backend): Promise<Look | null> {
  const survey = await surveyAdapter(backend);
  if (survey === undefined) return null;
  const { device } = await openAdapter(backend);
  const numerics = await numericsOf(device);
  return { ...survey, numerics, bandwidths: await bandwidthsOf(device) };
}

if (import.meta.main) {
  const [backend, brief] = Deno.args as [Backend, string?];
  const found = brief === "name"
    ? await openAdapter(backend).then(({ name }) => ({ name }))
    : await look(backend);
  console.log(JSON.stringify(found));
}
