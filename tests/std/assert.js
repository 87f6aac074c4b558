export * from "@std/assert-npm";
