"""Makes a tiny GGUF model with random weights and any chat template."""

from pathlib import Path

import numpy as np

WIDTH, HEADS, FEED, BLOCKS, CONTEXT = 64, 2, 64, 1, 256
CHATML = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
NORMAL, CONTROL, BYTE = 1, 3, 6


def make_gguf(path: Path, template: str | None = CHATML, seed: int = 11) -> Path:
    """Write a Llama of one layer whose vocabulary is bytes and the template's marks."""
    import gguf  # noqa: PLC0415 (heavy)

    marks = ["<unk>", "<s>", "</s>", "<|im_start|>", "<|im_end|>"]
    tokens = [*marks, *(f"<0x{byte:02X}>" for byte in range(256)), "▁"]
    kinds = [CONTROL] * len(marks) + [BYTE] * 256 + [NORMAL]
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(BLOCKS)
    writer.add_feed_forward_length(FEED)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_tokenizer_model("llama")
    writer.add_token_list(tokens)
    writer.add_token_scores([0.0] * len(tokens))
    writer.add_token_types(kinds)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(4)
    if template is not None:
        writer.add_chat_template(template)
    random = np.random.default_rng(seed)

    def add(name: str, *shape: int) -> None:
        writer.add_tensor(name, random.normal(0, 0.3, shape).astype(np.float32))

    add("token_embd.weight", len(tokens), WIDTH)
    spoken = np.zeros((len(tokens), WIDTH), np.float32)  # so that it writes nothing but letters
    letters = slice(len(marks) + ord("a"), len(marks) + ord("z") + 1)
    spoken[letters] = random.normal(0, 0.3, spoken[letters].shape)
    writer.add_tensor("output.weight", spoken)
    for name in ("output_norm", "blk.0.attn_norm", "blk.0.ffn_norm"):
        writer.add_tensor(f"{name}.weight", np.ones(WIDTH, np.float32))
    for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
        add(f"blk.0.{name}.weight", WIDTH, WIDTH)
    for name, shape in {"gate": (FEED, WIDTH), "up": (FEED, WIDTH), "down": (WIDTH, FEED)}.items():
        add(f"blk.0.ffn_{name}.weight", *shape)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
