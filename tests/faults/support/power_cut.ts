/** The power of a disk. */

/** From here on nothing reaches the disk; without `-f` not even its journal. */
export function shutDown(disk: string): void {
  const args = ["-x", "-c", "shutdown", disk];
  const { success } = new Deno.Command("xfs_io", { args, stderr: "inherit" }).outputSync();
  if (!success) throw new Error("The disk was not shut down");
}
