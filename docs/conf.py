"""How the documentation is built: `make docs`, or `sphinx-build -W docs results/docs`."""
import os
import sys
from importlib.metadata import version as version_of
from pathlib import Path

os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "_ext"))

import face  # noqa: E402
import measured  # noqa: E402
import sphinx.ext.autosummary  # noqa: E402
import tutorial_pictures  # noqa: E402

project = "ohmlearn"
author = copyright = "the ohmlearn developers"
release = version = version_of("ohmlearn")

extensions = ["sphinx.ext.autodoc", "sphinx.ext.autosummary", "sphinx-mathjax-offline", "sphinx.ext.mathjax",
              "numpydoc", "house_docstrings",
              "myst_parser", "sphinx_gallery.gen_gallery", "sphinx_copybutton"]
source_suffix = {".rst": "restructuredtext", ".md": "markdown"}
exclude_patterns = ["_ext", "_templates", "gallery", "api/*.inc"]
templates_path = ["_templates"]
suppress_warnings = ["config.cache"]        # the gallery's sorter is a function
nitpicky = False

# The notes on what was measured, as pages
(HERE / "measured").mkdir(exist_ok=True)
for note in sorted((HERE.parent / "benchmarks").glob("*.md")):
    (HERE / "measured" / note.name).write_text(f"```{{include}} ../../benchmarks/{note.name}\n```\n", encoding="utf-8")

(HERE / "measured" / "all.md").write_text(measured.page(), encoding="utf-8")

# Pictures of the tutorial
tutorial_pictures.draw(HERE / "tutorial.md", HERE / "made", "A sweep")

# API
face.write(HERE / "api")
autosummary_generate = True
sphinx.ext.autosummary.WELL_KNOWN_ABBREVIATIONS += ("Eq.", "Eqs.", "Fig.", "Figs.")     # no ends of sentences
autodoc_typehints = "none"                  # the types stand with the parameters
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
house_results = ["Run", "Runs", "LabRun", "LabRuns", *face.RESULTS]

# Pages
myst_enable_extensions = ["dollarmath", "amsmath", "colon_fence", "deflist", "substitution"]
myst_substitutions = measured.substitutions()
myst_heading_anchors = 3
myst_dmath_double_inline = True
copybutton_exclude = ".linenos, .gp, .go"

# Gallery: run at build, an error in a script is an error of the build.
sphinx_gallery_conf = {
    "examples_dirs": "gallery", "gallery_dirs": "auto_gallery", "filename_pattern": r"/plot_",
    "within_subsection_order": "FileNameSortKey", "abort_on_example_error": True, "only_warn_on_example_error": False,
    "download_all_examples": False, "show_memory": False, "show_signature": False, "min_reported_time": 1e6,
    "write_computation_times": False,
    "remove_config_comments": True, "image_scrapers": ("matplotlib",), "matplotlib_animations": False,
    "reset_modules": ("matplotlib",), "capture_repr": (),
}

# Look
html_theme = "pydata_sphinx_theme"
html_title = f"ohmlearn {release}"
html_static_path = ["_static"]
html_css_files = ["house.css"]
html_js_files = ["tables.js"]
html_favicon = "_static/favicon.svg"
ALONE = ("index", "installation", "tutorial", "first-hours", "which-call", "physics", "not-reproduced", "comparison",
         "scope", "faq", "glossary", "citing", "contributing", "changelog")
html_sidebars = {name: [] for name in ALONE}
html_show_sourcelink = False
html_theme_options = {
    "show_prev_next": False, "navigation_with_keys": False, "show_toc_level": 2, "header_links_before_dropdown": 6,
    "footer_start": ["copyright"], "footer_end": [], "navbar_align": "left", "secondary_sidebar_items": ["page-toc"],
    "logo": {"text": "ohmlearn"},
}
html_context = {"default_mode": "auto"}
linkcheck_ignore = [r"http://localhost"]
linkcheck_retries = 2
