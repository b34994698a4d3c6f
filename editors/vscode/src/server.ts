// One `rung serve`, through a language client.
import * as vscode from "vscode";
import {
  CloseAction,
  ErrorAction,
  type ErrorHandler,
  LanguageClient,
  type LanguageClientOptions,
  RevealOutputChannelOn,
  State,
  type StaticFeature,
} from "vscode-languageclient/node";
import type { Offers } from "./offers";
import {
  OUTCOME_NOTIFICATION,
  type Outcome,
  READY,
  REFRESH_REQUEST,
  type Refresh,
  type Status,
  STATUS_NOTIFICATION,
} from "./protocol";
import type { StatusBar } from "./statusBar";

const START_MS = 60_000;
const STOP_MS = 5_000;
const MOST_RESTARTS = 4;
const WITHIN_MS = 180_000;
// Between a cancel and the change that it came with: 0 to 1 ms were seen; a slow extension host takes longer.
const CHANGE_MS = 20;

export class Server {
  private readonly client: LanguageClient;
  private readonly ends: number[] = [];
  private ran = false;
  private stopping = false;
  private told = false;

  /** failed: told what ended it for good. */
  constructor(
    private readonly program: string,
    private readonly offers: Offers,
    private readonly log: vscode.LogOutputChannel,
    private readonly statusBar: StatusBar,
    private readonly failed: (error: Error) => void,
  ) {
    const configuration = vscode.workspace.getConfiguration("rung");
    const options = this.options(configuration.get<string[]>("languages", []));
    this.client = new QuietClient("rung", "rung", { command: program, args: ["serve"] }, options);
    this.client.registerFeature(extras({ status: true, refresh: configuration.get("refresh", true) }));
    this.client.onNotification(STATUS_NOTIFICATION, (status: Status) => statusBar.show(status));
    this.client.onRequest<boolean, void>(REFRESH_REQUEST, async (refresh: Refresh): Promise<boolean> => {
      const items = await this.client.protocol2CodeConverter.asInlineCompletionResult(refresh.items);
      return offers.replace(refresh, Array.isArray(items) ? items : []);
    });
    this.client.onDidChangeState(({ newState }) => this.changed(newState));
  }

  get running(): boolean {
    return this.client.isRunning();
  }

  /** Throws where it does not start in time. */
  async start(): Promise<void> {
    const limit = new Promise<never>((_, reject) =>
      setTimeout(() => reject(new Error(`it did not start within ${START_MS / 1000} s.`)), START_MS).unref(),
    );
    try {
      await Promise.race([this.client.start(), limit]);
    } catch (error) {
      throw new Error(`\`${this.program} serve\` does not work: ${error instanceof Error ? error.message : error}`);
    }
  }

  /** Whatever state it is in. */
  async stop(): Promise<void> {
    this.stopping = true;
    await vscode.commands.executeCommand("setContext", "rung.running", false);
    const process = this.client.serverProcess;
    try {
      await this.client.dispose(STOP_MS);
    } catch (error) {
      this.log.warn(`It did not stop by itself: ${error instanceof Error ? error.message : error}`);
      process?.kill("SIGKILL");
    }
  }

  execute<Result>(command: string, ...args: unknown[]): Promise<Result> {
    return this.client.sendRequest<Result>("workspace/executeCommand", { command, arguments: args });
  }

  tellOutcome(id: string, outcome: Outcome): void {
    if (this.running) {
      this.client.sendNotification(OUTCOME_NOTIFICATION, { id, outcome }).catch(() => undefined); // it has just gone
    }
  }

  private options(languages: string[]): LanguageClientOptions {
    return {
      documentSelector: languages.flatMap((language) => [
        { language, scheme: "file" },
        { language, scheme: "untitled" },
      ]),
      outputChannel: this.log,
      revealOutputChannelOn: RevealOutputChannelOn.Never,
      stdioOptions: {
        stdout: () => undefined,
        stderr: (lines) => lines.on("data", (text) => this.log.info(`${text}`.trimEnd())),
      },
      errorHandler: this.errorHandler(),
      initializationFailedHandler: () => false,
      middleware: {
        provideInlineCompletionItems: (document, position, context, token, next) =>
          this.offers.provide(document, position, context, token, (asked) =>
            next(document, position, asked, unlessTypedOn(document, token)),
          ),
      },
    };
  }

  /** A server that ends by itself is started again, four times in three minutes at most. */
  private errorHandler(): ErrorHandler {
    return {
      error: () => ({ action: ErrorAction.Continue, handled: true }),
      closed: () => {
        const now = Date.now();
        this.ends.push(now);
        const lately = this.ends.filter((end) => now - end < WITHIN_MS).length;
        if (this.ran && !this.stopping && lately <= MOST_RESTARTS) {
          return { action: CloseAction.Restart, handled: true };
        }
        this.endedFor(`The server ended ${lately} times within ${WITHIN_MS / 60_000} minutes.`);
        return { action: CloseAction.DoNotRestart, handled: true };
      },
    };
  }

  /** One that has run before; one that never has is told by who started it. */
  private endedFor(reason: string): void {
    if (this.ran && !this.stopping && !this.told) {
      this.told = true;
      this.failed(new Error(reason));
    }
  }

  private changed(state: State): void {
    this.ran ||= state === State.Running;
    this.told &&= state !== State.Running;
    if (state === State.StartFailed) {
      this.endedFor("The server ended and cannot be started again.");
    }
    if (!this.stopping) {
      void vscode.commands.executeCommand("setContext", "rung.running", state === State.Running);
      if (state === State.Running) {
        this.statusBar.show(READY);
      } else {
        this.statusBar.without(state === State.Starting ? "starts" : "has stopped");
      }
    }
  }
}

/** The library's own messages only go to the log: what a user must hear is told once, by whoever started it. */
class QuietClient extends LanguageClient {
  override error(message: string, data?: unknown): void {
    super.error(message, data, false);
  }
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
      source.dispose();
    }, CHANGE_MS);
  });
  return source.token;
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
