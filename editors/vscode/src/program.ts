// Runs rung's command line.
import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);
const LIMIT_MS = 30_000;
const MOST_BYTES = 16 * 1024 * 1024;
const env = { ...process.env, PYTHONUTF8: "1" }; // on Windows a pipe is not UTF-8 otherwise

/** What it prints; an Error with its own sentence where it fails. */
export async function output(program: string, ...args: string[]): Promise<string> {
  try {
    return (await run(program, args, { timeout: LIMIT_MS, maxBuffer: MOST_BYTES, env })).stdout;
  } catch (error) {
    const said = error instanceof Error && "stderr" in error ? String(error.stderr).trim() : "";
    throw new Error(said || `rung ${args.join(" ")} failed: ${error instanceof Error ? error.message : error}`);
  }
}
