/** Who sits where in a formation, and who gives the state to whom. Pure. */
import type { QuorumMember } from "../../src/membership/types.ts";
import type { MemberOrder } from "../protocol/messages.ts";

/** Places as members are told of them: those without the state take it from those with it, in turn. */
export function memberOrders(places: readonly QuorumMember[]): MemberOrder[] {
  const donors = places.flatMap(({ holds }, rank) => holds ? [rank] : []);
  let taken = 0;
  return places.map(({ workerId, count, holds }) => {
    const needs = !holds && donors.length > 0;
    return { workerId, count, donor: needs ? donors[taken++ % donors.length] as number : -1 };
  });
}
