/** Assigns a state donor to each member of a quorum that lacks the state. Pure. */
import type { QuorumMember } from "../../src/membership/types.ts";
import type { MemberOrder } from "../protocol/messages.ts";

/** The members as the `form` order lists them; donors are assigned round-robin. */
export function memberOrders(members: readonly QuorumMember[]): MemberOrder[] {
  const donors = members.flatMap(({ holds }, rank) => holds ? [rank] : []);
  let next = 0;
  return members.map(({ workerId, count, holds }) => {
    const needs = !holds && donors.length > 0;
    return { workerId, count, donor: needs ? donors[next++ % donors.length] as number : -1 };
  });
}
