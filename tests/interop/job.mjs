// One job from standard input, one answer to standard output: how the tests speak to a peer.

import { readFileSync } from "node:fs";

export const fromBase64url = (text) => new Uint8Array(Buffer.from(text, "base64url"));
export const toBase64url = (bytes) => Buffer.from(bytes).toString("base64url");

/** Runs the handler that the job names; a refusal of the peer's is an answer, too. */
export async function answer(handlers) {
  const job = JSON.parse(readFileSync(0, "utf8"));
  const handler = handlers[job.do];
  if (handler === undefined) throw new Error(`no such job: ${job.do}`);
  let result;
  try {
    result = await handler(job);
  } catch (error) {
    result = { refused: String(error?.message ?? error) };
  }
  process.stdout.write(JSON.stringify(result));
}
