/** Donors of the state in a quorum. */
import { assertEquals } from "@std/assert";
import { memberOrders } from "../../../workers/group/member_orders.ts";

const place = (id: number, holds: boolean) => ({ id, workerId: 10 + id, count: 1, holds });

Deno.test("members without the state copy it from those that have it, round-robin", () => {
  const places = [false, true, false, true, false].map((holds, id) => place(id, holds));
  const orders = memberOrders(places);
  assertEquals(orders.map(({ donor }) => donor), [1, -1, 3, -1, 1]);
  assertEquals(orders.map(({ workerId }) => workerId), [10, 11, 12, 13, 14]);
});

Deno.test("without a member that holds the state there is no donor", () => {
  const orders = memberOrders([place(0, false), place(1, false)]);
  assertEquals(orders.map(({ donor }) => donor), [-1, -1]);
});
