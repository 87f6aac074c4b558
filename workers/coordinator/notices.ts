/** Notices of what happens to the workers of a run, and the save that some of it calls for. */
import type { Wiring } from "./context.ts";
import type { RunContext } from "./context.ts";

/** Handlers of a worker group's events; `context` is known once the group exists. */
export function groupNotices(
  context: () => RunContext,
): Pick<Wiring, "progress" | "lost" | "rejected" | "short" | "unreadable"> {
  const notice = (text: string) => context().run.report({ type: "notice", text });
  return {
    progress: (sum) => context().run.report({ type: "progress", ...sum }),
    lost({ id, why }) {
      context().course.isDoubtful = true;
      notice(`Worker ${id} is lost: ${why}`);
    },
    rejected: ({ id, why, isLast }) => {
      const rest = isLast
        ? "; no other is started until one is lost or deno task workers asks"
        : "";
      notice(`Worker ${id} differs from the run and is turned away: ${why}${rest}`);
      if (isLast) saveSoon(context());
    },
    short: (why) => {
      notice(why);
      saveSoon(context());
    },
    unreadable: (fault) => context().course.fault ??= fault,
  };
}

/** Makes a save due: if the remaining workers are lost too, nobody holds the state. */
function saveSoon({ course }: RunContext): void {
  if (course.saved !== course.step) course.owed = true;
}
