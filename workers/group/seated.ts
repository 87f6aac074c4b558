/** Who sits where in a formation, and who gives the state to whom. Pure. */
import type { Place } from "../../src/membership/types.ts";
import type { Seated } from "../protocol/messages.ts";

/** Places as members are told of them: those without the state take it from those with it, in turn. */
export function seatedOf(places: readonly Place[]): Seated[] {
  const donors = places.flatMap(({ holds }, rank) => holds ? [rank] : []);
  let taken = 0;
  return places.map(({ seat, count, holds }) => {
    const needs = !holds && donors.length > 0;
    return { seat, count, donor: needs ? donors[taken++ % donors.length] as number : -1 };
  });
}
