/** Who gives the state to whom. */
import { assertEquals } from "@std/assert";
import { memberOrders } from "../../../workers/group/member_orders.ts";

const place = (id: number, holds: boolean) => ({ id, workerId: 10 + id, count: 1, holds });

Deno.test("who lacks the state takes it from those that have it, in turn", () => {
  const places = [false, true, false, true, false].map((holds, id) => place(id, holds));
  const seated = memberOrders(places);
  assertEquals(seated.map(({ donor }) => donor), [1, -1, 3, -1, 1]);
  assertEquals(seated.map(({ workerId }) => workerId), [10, 11, 12, 13, 14]);
});

Deno.test("where nobody has the state nobody gives it", () => {
  const seated = memberOrders([place(0, false), place(1, false)]);
  assertEquals(seated.map(({ donor }) => donor), [-1, -1]);
});
