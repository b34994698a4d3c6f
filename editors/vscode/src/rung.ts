import * as vscode from "vscode";
import { type LanguageClient, State } from "vscode-languageclient/node";
import { makeClient, tellOutcome } from "./client";
import { Explanation } from "./explain";
import { findServer } from "./find";
import { install, installedProgram } from "./install";
import { showMenu } from "./menu";
import { Offers } from "./offers";
import { EXPLAIN, PAUSE, type Paused, STATUS } from "./protocol";
import { Report } from "./report";
import { StatusBar } from "./statusBar";

const INSTALL = "Install";
const SET_PATH = "Set the Path";
const LOG = "Show Log";
const STOP_MS = 5000;

interface ServerStatus {
  configuration: string;
  paused: Paused;
}

/** The extension in one window: a server at most, and the commands. */
export class Rung {
  private readonly log = vscode.window.createOutputChannel("rung", { log: true });
  private readonly statusBar = new StatusBar();
  private readonly explanation = new Explanation();
  private readonly report = new Report();
  private readonly offers = new Offers((id, outcome) => tellOutcome(this.client, id, outcome));
  private client: LanguageClient | undefined;
  private program: string | undefined;
  private starting = Promise.resolve();

  constructor(private readonly context: vscode.ExtensionContext) {
    const commands: Record<string, () => Promise<void> | void> = {
      menu: () => this.menu(),
      explainLast: async () => this.explanation.show((await this.ask<{ markdown: string }>(EXPLAIN)).markdown),
      report: () => this.withProgram((program) => this.report.show(program)),
      pauseHere: () => this.pause("here"),
      pauseEverywhere: () => this.pause("everywhere"),
      trust: () => this.withProgram((program) => this.trust(program)),
      openConfiguration: () => this.openConfiguration(),
      logs: () => this.log.show(),
      restart: () => this.start(),
      install: () => this.install(),
      acceptWord: () => this.offers.acceptPart("editor.action.inlineSuggest.acceptNextWord"),
      acceptLine: () => this.offers.acceptPart("editor.action.inlineSuggest.acceptNextLine"),
      dismiss: () => this.offers.dismiss(),
    };
    for (const [name, run] of Object.entries(commands)) {
      context.subscriptions.push(vscode.commands.registerCommand(`rung.${name}`, () => this.guarded(run)));
    }
    context.subscriptions.push(
      this.log,
      this.statusBar,
      this.explanation.register(),
      vscode.workspace.onDidCloseTextDocument((document) => this.offers.closed(document)),
      vscode.workspace.onDidGrantWorkspaceTrust(() => this.guarded(() => this.start())),
      vscode.workspace.onDidChangeConfiguration((change) => {
        if (change.affectsConfiguration("rung")) {
          this.guarded(() => this.start());
        }
      }),
    );
  }

  /** Start the server, anew if there is one. */
  start(): Promise<void> {
    this.starting = this.starting.then(() => this.startOnce());
    return this.starting;
  }

  async stop(): Promise<void> {
    const client = this.client;
    this.client = undefined;
    await vscode.commands.executeCommand("setContext", "rung.running", false);
    await client?.dispose(STOP_MS);
  }

  private async startOnce(): Promise<void> {
    try {
      await this.stop();
      this.program = await findServer(installedProgram(this.context));
      if (this.program === undefined) {
        this.statusBar.missing("is not installed");
        void this.offerInstall();
        return;
      }
      this.log.info(`the server: ${this.program}`);
      const client = makeClient(this.program, {
        offers: this.offers,
        log: this.log,
        onStatus: (status) => this.statusBar.show(status),
      });
      client.onDidChangeState(({ newState }) => this.changed(newState));
      this.client = client;
      await client.start();
    } catch (error) {
      this.statusBar.missing("has failed");
      void this.failed(error);
    }
  }

  private changed(state: State): void {
    const running = state === State.Running;
    void vscode.commands.executeCommand("setContext", "rung.running", running);
    if (running) {
      this.statusBar.show({
        state: "ready",
        project: null,
        rung: null,
        problem: null,
        reason: "",
        usdToday: null,
        usdPerDay: null,
      });
    } else {
      this.statusBar.missing(state === State.Stopped ? "has stopped" : "starts");
    }
  }

  private async offerInstall(): Promise<void> {
    const chosen = await vscode.window.showWarningMessage(
      "rung is not installed here: neither in this workspace's environment nor on PATH.",
      INSTALL,
      SET_PATH,
    );
    if (chosen === INSTALL) {
      await this.guarded(() => this.install());
    } else if (chosen === SET_PATH) {
      await vscode.commands.executeCommand("workbench.action.openSettings", "rung.path");
    }
  }

  private async install(): Promise<void> {
    await this.stop();
    this.statusBar.missing("is being installed");
    try {
      await install(this.context, this.log);
    } finally {
      await this.start();
    }
  }

  private async menu(): Promise<void> {
    const paused = this.client?.isRunning() ? (await this.ask<ServerStatus>(STATUS)).paused : undefined;
    await showMenu(this.statusBar.last, paused);
  }

  private async pause(where: "here" | "everywhere"): Promise<void> {
    const { paused } = await this.ask<ServerStatus>(STATUS);
    await this.ask<Paused>(PAUSE, where, !paused[where]);
  }

  private async trust(program: string): Promise<void> {
    const project = this.statusBar.last?.project ?? vscode.workspace.workspaceFolders?.[0]?.uri.fsPath;
    if (project === undefined) {
      throw new Error("No project is open here.");
    }
    // In a terminal, because it shows what would count and asks; only what it has shown is trusted.
    vscode.window.createTerminal({ name: "rung trust", shellPath: program, shellArgs: ["trust", project] }).show();
  }

  private async openConfiguration(): Promise<void> {
    const file = vscode.Uri.file((await this.ask<ServerStatus>(STATUS)).configuration);
    const there = await vscode.workspace.fs.stat(file).then(
      () => true,
      () => false,
    );
    await vscode.window.showTextDocument(there ? file : file.with({ scheme: "untitled" }));
  }

  private async ask<Result>(command: string, ...args: unknown[]): Promise<Result> {
    if (!this.client?.isRunning()) {
      throw new Error("rung does not run here; its log says why.");
    }
    return this.client.sendRequest<Result>("workspace/executeCommand", { command, arguments: args });
  }

  private async withProgram(use: (program: string) => Promise<void>): Promise<void> {
    if (this.program === undefined) {
      throw new Error("rung is not installed here.");
    }
    await use(this.program);
  }

  private async guarded(run: () => Promise<void> | void): Promise<void> {
    try {
      await run();
    } catch (error) {
      void this.failed(error);
    }
  }

  private async failed(error: unknown): Promise<void> {
    const sentence = error instanceof Error ? error.message : String(error);
    this.log.error(sentence);
    if ((await vscode.window.showErrorMessage(`rung: ${sentence}`, LOG)) === LOG) {
      this.log.show();
    }
  }
}
