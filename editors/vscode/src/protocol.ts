// What rung's server says and hears beside LSP: docs/protocol.md.
import type { InlineCompletionItem, Position, VersionedTextDocumentIdentifier } from "vscode-languageclient/node";

export const EXPLAIN = "rung.explain";
export const PAUSE = "rung.pause";
export const STATUS = "rung.status";

export const OUTCOME_NOTIFICATION = "rung/outcome";
export const REFRESH_REQUEST = "rung/refresh";
export const STATUS_NOTIFICATION = "rung/status";

export type Outcome = "shown" | "partly_accepted" | "dismissed";

export interface Status {
  state: "ready" | "busy" | "climbing" | "paused" | "disabled";
  project: string | null;
  rung: string | null;
  problem: "failed" | "over_budget" | "private" | null;
  reason: string;
  usdToday: number | null;
  usdPerDay: number | null;
}

/** Before the server has said anything. */
export const READY: Status = {
  state: "ready",
  project: null,
  rung: null,
  problem: null,
  reason: "",
  usdToday: null,
  usdPerDay: null,
};

/** A better answer for this place, as long as the document has this version; no items: nothing is to be shown. */
export interface Refresh {
  textDocument: VersionedTextDocumentIdentifier;
  position: Position;
  items: InlineCompletionItem[];
}

/** What of `rung.status` is used here. */
export interface ServerStatus {
  configuration: string;
  paused: Paused;
}

export interface Paused {
  here: boolean;
  everywhere: boolean;
}
