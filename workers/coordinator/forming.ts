/** Forms the next quorum of a run and brings all its members to one state. */
import type { RunContext } from "./context.ts";
import { load, loadInitial, prove, rewind } from "./recovery.ts";

/** Forms a quorum; false when the run is stopped before any worker holds the state. */
export async function formQuorum(context: RunContext): Promise<boolean> {
  const { group, course, run: { from, initial, report, ready } } = context;
  const before = group.members.map(({ id }) => id);
  const isFirst = !context.hasStarted;
  course.granted = -1;
  course.untried = !isFirst;
  if (isFirst) report({ type: "doing", what: `starting ${workersText(group.wanted)}` });
  const members = await group.form(course.step);
  if (members === undefined) return false;
  if (isFirst) await ready?.();
  if (isFirst) reportStart(context);
  else reportChange(context, { before, after: members.map(({ id }) => id) });
  reportWay(context);
  if (!members.some((member) => member.holds)) {
    if (!isFirst) await rewind(context, "no worker is left that holds the state");
    else if (from !== undefined) await load(context, from);
    else if (initial !== undefined) await loadInitial(context, initial);
  }
  if (!isFirst || from !== undefined || initial !== undefined) await prove(context);
  group.settle(true);
  // The time that starts and losses take does not belong to the steps that follow.
  course.rate = context.rateAt(course.step);
  context.note("settled", { attempt: group.attempt, step: course.step });
  return true;
}

function reportStart(context: RunContext): void {
  const { group, course, tokensPerStep, run: { config, report } } = context;
  const { params, mode, identity } = group.facts;
  const { deno, adapter, kernels, shaders, probe } = identity;
  context.hasStarted = true;
  report({
    type: "start",
    run: {
      name: config.name,
      params,
      workers: group.members.length,
      deno,
      adapter,
      ...mode !== undefined && { mode },
      kernels,
      shaders,
      probe,
      tokensPerStep,
      steps: config.steps,
      from: course.step,
    },
  });
}

function reportChange(
  { group, course, run: { report } }: RunContext,
  { before, after }: { before: readonly number[]; after: readonly number[] },
): void {
  const gone = before.filter((id) => !after.includes(id)).length;
  const added = after.filter((id) => !before.includes(id)).length;
  if (gone + added === 0) return;
  const changes = [...gone > 0 ? [`${gone} gone`] : [], ...added > 0 ? [`${added} new`] : []];
  const text = `Going on from step ${course.step} with ${after.length} of ` +
    `${group.wanted} workers (${changes.join(", ")})`;
  report({ type: "notice", text });
}

/** Tells, once, that gradients travel in another way than was asked for. */
function reportWay({ group, course, run: { config, report } }: RunContext): void {
  const other = group.formed.find(({ why }) => why !== undefined);
  if (other === undefined || course.ways.has(other.way)) return;
  course.ways.add(other.way);
  const by = other.way === "file" ? "through a file" : "through sockets";
  const text = `Gradients travel ${by}, not by exchange.way ${config.exchange.way}: ${other.why}`;
  report({ type: "notice", text });
}

function workersText(count: number): string {
  return count === 1 ? "1 worker" : `${count} workers`;
}
