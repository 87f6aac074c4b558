/** Handles the replies of workers that answer no order: heartbeats, parts of checkpoints, failures. */
import { UserError } from "../../src/base/user_error.ts";
import { isWhole } from "../../src/membership/decide.ts";
import type { Reply, WorkerProgress } from "../protocol/messages.ts";
import type { Failures } from "./failures.ts";
import type { Answer, Unsolicited } from "./link.ts";
import type { Members } from "./members.ts";
import type { ProgressTotals } from "./progress_totals.ts";

/** What a handler of replies changes. */
export interface ReplyContext {
  readonly members: Members;
  readonly failures: Failures;
  readonly progress: ProgressTotals;
}

/** Handles an unsolicited reply of worker `id`. */
export function handleReply(context: ReplyContext, id: number, answer: Answer<Unsolicited>): void {
  const { members } = context;
  const { options } = members;
  const { reply } = answer;
  switch (reply.type) {
    case "beat": {
      const waitsFor = reply.waiting.flatMap((rank) => members.state.formed[rank]?.id ?? []);
      members.feed({ type: "heard", id, waitsFor, ...reply.moved && { moved: true } });
      return takeProgress(context, id, reply.progress);
    }
    case "part":
    case "lane":
    case "saved":
      return options.part(id, answer as Answer<"part" | "lane" | "saved">);
    case "broken":
      return members.feed({ type: "broken", id, why: reply.message });
    case "unreadable":
      options.unreadable?.(new UserError(reply.exit, reply.message));
      return members.feed({ type: "broken", id, why: reply.message });
    case "failed":
      return takeFailure(context, id, reply);
  }
}

function takeProgress(
  { members: { options, state: { members }, state }, progress }: ReplyContext,
  id: number,
  reported: WorkerProgress | undefined,
): void {
  const member = members.find((m) => m.id === id);
  if (reported === undefined || member === undefined) return;
  // The run does not wait for a worker that starts while a whole quorum goes on.
  if (member.phase === "starting" && isWhole(state)) return;
  progress.take(id, reported);
  options.progress?.(progress.sum(reported.of, members.map((m) => m.id)));
}

function takeFailure(
  { members, failures }: ReplyContext,
  id: number,
  { exit, message }: Reply & { type: "failed" },
): void {
  const { error, why } = failures.decide(members.state, { id, exit, message });
  if (error !== undefined) members.fail(error);
  if (why === undefined) return;
  members.options.note("failed", { worker: id, exit, message });
  members.feed({ type: "lost", id, why });
}
