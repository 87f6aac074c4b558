/** Environment variables that drivers and caches need. Workers get exactly these. */
import { BACKEND_VARIABLE } from "../../src/device/backend.ts";

/** Passed on to workers where they are set; the commands that compute may read them. */
export const DRIVER_VARIABLES: readonly string[] = [
  "HOME",
  "DENO_DIR",
  "DENO_AUDIT_PERMISSIONS",
  "XDG_CACHE_HOME",
  "XDG_RUNTIME_DIR",
  "DRI_PRIME",
  "LP_NUM_THREADS",
  "VK_ICD_FILENAMES",
  "VK_DRIVER_FILES",
  "MESA_VK_DEVICE_SELECT",
  "MESA_SHADER_CACHE_DISABLE",
  BACKEND_VARIABLE,
  "LD_LIBRARY_PATH",
];
