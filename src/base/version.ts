/** The version of Shoal, which package.json names. */
import packageJson from "../../package.json" with { type: "json" };

/** As `0.1.0`. */
export const VERSION: string = packageJson.version;
