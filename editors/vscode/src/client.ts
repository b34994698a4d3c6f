import * as vscode from "vscode";
import {
  LanguageClient,
  type LanguageClientOptions,
  RevealOutputChannelOn,
  type StaticFeature,
} from "vscode-languageclient/node";
import type { Offers } from "./offers";
import { OUTCOME_NOTIFICATION, REFRESH_REQUEST, type Refresh, STATUS_NOTIFICATION, type Status } from "./protocol";

const CHANGE_MS = 20; // between a cancel and the change that it came with, at most

export interface Hooks {
  offers: Offers;
  log: vscode.LogOutputChannel;
  onStatus: (status: Status) => void;
}

/** A client of `program serve`, not yet started. After a crash it starts again by itself, up to four times. */
export function makeClient(program: string, { offers, log, onStatus }: Hooks): LanguageClient {
  const configuration = vscode.workspace.getConfiguration("rung");
  const languages = configuration.get<string[]>("languages", []);
  const options: LanguageClientOptions = {
    documentSelector: languages.flatMap((language) => [
      { language, scheme: "file" },
      { language, scheme: "untitled" },
    ]),
    outputChannel: log,
    revealOutputChannelOn: RevealOutputChannelOn.Never,
    stdioOptions: {
      stdout: () => undefined,
      stderr: (lines) => lines.on("data", (text) => log.info(`${text}`.trimEnd())),
    },
    middleware: {
      provideInlineCompletionItems: (document, position, context, token, next) =>
        offers.provide(document, position, token, () =>
          next(document, position, context, unlessTypedOn(document, token)),
        ),
    },
  };
  const client = new LanguageClient("rung", "rung", { command: program, args: ["serve"] }, options);
  client.registerFeature(extras({ status: true, refresh: configuration.get("refresh", true) }));
  client.onNotification(STATUS_NOTIFICATION, onStatus);
  client.onRequest<boolean, void>(REFRESH_REQUEST, async (refresh: Refresh): Promise<boolean> => {
    const items = await client.protocol2CodeConverter.asInlineCompletionResult(refresh.items);
    return offers.replace(refresh, Array.isArray(items) ? items : []);
  });
  return client;
}

/**
 * VS Code cancels with every key, just before it tells the change. The server stops by itself what a change makes moot,
 * and goes on with what is being typed as it is written, which a cancelled request could not.
 */
function unlessTypedOn(document: vscode.TextDocument, token: vscode.CancellationToken): vscode.CancellationToken {
  const source = new vscode.CancellationTokenSource();
  const version = document.version;
  token.onCancellationRequested(() => {
    setTimeout(() => {
      if (document.version === version) {
        source.cancel();
      }
    }, CHANGE_MS);
  });
  return source.token;
}

/** Tells an outcome; a server that has just gone needs none. */
export function tellOutcome(client: LanguageClient | undefined, id: string, outcome: string): void {
  if (client?.isRunning()) {
    client.sendNotification(OUTCOME_NOTIFICATION, { id, outcome }).catch(() => undefined);
  }
}

/** What this client can beside LSP. */
function extras(rung: { status: boolean; refresh: boolean }): StaticFeature {
  return {
    fillClientCapabilities: (capabilities) => {
      capabilities.experimental = { ...(capabilities.experimental as object | undefined), rung };
    },
    initialize: () => undefined,
    getState: () => ({ kind: "static" }),
    clear: () => undefined,
  };
}
