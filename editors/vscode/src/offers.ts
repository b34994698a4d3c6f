// What is shown in each document, and what becomes of it that the document itself does not tell the server.
import * as vscode from "vscode";
import type { Outcome, Refresh } from "./protocol";

type Items = vscode.InlineCompletionItem[] | vscode.InlineCompletionList | undefined | null;

interface Offer {
  items: vscode.InlineCompletionItem[];
  position: vscode.Position;
}

/** On its way to the screen. */
interface Better {
  uri: string;
  version: number;
  position: vscode.Position;
  items: vscode.InlineCompletionItem[];
  taken: (shown: boolean) => void;
}

const KEPT_SHOWN = 1000;
const TAKEN_MS = 1000;

export class Offers {
  private readonly latest = new Map<string, Offer>();
  private readonly toldShown = new Set<string>();
  private better: Better | undefined;

  constructor(private readonly tell: (id: string, outcome: Outcome) => void) {}

  /** Middleware: what the server answers, or the better answer that it has sent since. */
  async provide(
    document: vscode.TextDocument,
    position: vscode.Position,
    context: vscode.InlineCompletionContext,
    token: vscode.CancellationToken,
    ask: (context: vscode.InlineCompletionContext) => vscode.ProviderResult<Items>,
  ): Promise<Items> {
    const version = document.version;
    let answer: Items;
    if (this.better && context.triggerKind === vscode.InlineCompletionTriggerKind.Invoke) {
      // Nobody has asked by hand. Where a key came in between, this request is in the place of that key's own.
      const automatic = { ...context, triggerKind: vscode.InlineCompletionTriggerKind.Automatic };
      answer = this.takeBetter(this.better, document, position) ?? (await ask(automatic));
    } else {
      answer = await ask(context);
    }
    const items = Array.isArray(answer) ? answer : answer?.items;
    if (items?.length && !token.isCancellationRequested) {
      this.latest.set(document.uri.toString(), { items, position });
      setTimeout(() => this.drawn(document, version, items, token), 0);
    }
    return answer;
  }

  /** Show it instead, unless the user has typed on, gone elsewhere or sent it away. Whether it is shown. */
  async replace(refresh: Refresh, items: vscode.InlineCompletionItem[]): Promise<boolean> {
    const editor = vscode.window.activeTextEditor;
    const { uri, version } = refresh.textDocument;
    const position = new vscode.Position(refresh.position.line, refresh.position.character);
    if (editor === undefined || !sameDocument(editor.document, uri) || !isThere(editor, version, position)) {
      return false;
    }
    if (!this.latest.has(editor.document.uri.toString())) {
      return false;
    }
    // VS Code keeps what it shows when something else comes for the same place, unless it is hidden first.
    await vscode.commands.executeCommand("editor.action.inlineSuggest.hide");
    if (items.length === 0) {
      this.closed(editor.document);
      return true;
    }
    return new Promise((resolve) => {
      const better = { uri: editor.document.uri.toString(), version, position, items, taken: resolve };
      this.better = better;
      // It ends when all extensions that complete have answered, so nobody waits for it.
      void vscode.commands.executeCommand("editor.action.inlineSuggest.trigger");
      setTimeout(() => {
        if (this.better === better) {
          this.better = undefined;
        }
        resolve(false); // unless it was taken
      }, TAKEN_MS);
    });
  }

  /** Accept a part by the editor's own command, and tell that it was one of rung's. */
  async acceptPart(command: string): Promise<void> {
    const editor = vscode.window.activeTextEditor;
    const before = editor && this.remaining(editor);
    await vscode.commands.executeCommand(command);
    const after = editor && this.remaining(editor);
    if (before && after && after.text.length < before.text.length) {
      this.tellOf(after.item, "partly_accepted");
    }
  }

  async dismiss(): Promise<void> {
    const editor = vscode.window.activeTextEditor;
    const shown = editor && this.remaining(editor);
    await vscode.commands.executeCommand("editor.action.inlineSuggest.hide");
    if (editor && shown) {
      this.latest.delete(editor.document.uri.toString());
      this.tellOf(shown.item, "dismissed");
    }
  }

  closed(document: vscode.TextDocument): void {
    this.latest.delete(document.uri.toString());
  }

  /** Undefined where it does not fit any more. */
  private takeBetter(better: Better, document: vscode.TextDocument, position: vscode.Position): Items {
    this.better = undefined;
    const fits = better.uri === document.uri.toString() && better.version === document.version;
    const here = fits && better.position.isEqual(position);
    better.taken(here);
    return here ? better.items : undefined;
  }

  /** VS Code tells an extension nothing of what it draws: it draws what comes in time. */
  private drawn(
    document: vscode.TextDocument,
    version: number,
    items: vscode.InlineCompletionItem[],
    token: vscode.CancellationToken,
  ): void {
    const item = items[0];
    const id = item && idOf(item);
    if (id === undefined || token.isCancellationRequested || document.version !== version || this.toldShown.has(id)) {
      return;
    }
    if (this.toldShown.size >= KEPT_SHOWN) {
      this.toldShown.clear();
    }
    this.toldShown.add(id);
    this.tell(id, "shown");
  }

  /** The item that agrees with what was typed or taken since, and what is left of it. */
  private remaining(editor: vscode.TextEditor): { item: vscode.InlineCompletionItem; text: string } | undefined {
    const offer = this.latest.get(editor.document.uri.toString());
    const cursor = editor.selection.active;
    for (const item of offer?.items ?? []) {
      const start = item.range?.start ?? offer?.position;
      const text = typeof item.insertText === "string" ? item.insertText : item.insertText.value;
      if (start?.isBeforeOrEqual(cursor)) {
        const typed = editor.document.getText(new vscode.Range(start, cursor)).replaceAll("\r\n", "\n");
        if (text.startsWith(typed) && text.length > typed.length) {
          return { item, text: text.slice(typed.length) };
        }
      }
    }
    return undefined;
  }

  private tellOf(item: vscode.InlineCompletionItem, outcome: Outcome): void {
    const id = idOf(item);
    if (id !== undefined) {
      this.tell(id, outcome);
    }
  }
}

function idOf(item: vscode.InlineCompletionItem): string | undefined {
  const id: unknown = item.command?.arguments?.[0];
  return typeof id === "string" ? id : undefined;
}

function sameDocument(document: vscode.TextDocument, uri: string): boolean {
  return document.uri.toString() === vscode.Uri.parse(uri).toString();
}

function isThere(editor: vscode.TextEditor, version: number, position: vscode.Position): boolean {
  return editor.document.version === version && editor.selection.isEmpty && editor.selection.active.isEqual(position);
}
