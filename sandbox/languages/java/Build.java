// SPDX-License-Identifier: Apache-2.0
// Build.java - compile one source file, whatever its classes are called, into one jar that can be run.
//
// javac wants a public class in a file of its name, and a jar wants to be told which class has main():
// both are found here, in the process that compiles.

import java.io.*;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.*;
import java.util.*;
import java.util.jar.*;
import javax.tools.*;

public class Build {
	static class Source extends SimpleJavaFileObject {
		final String text;

		Source(String name, String text) {
			super(URI.create("string:///" + name), Kind.SOURCE);
			this.text = text;
		}

		@Override public CharSequence getCharContent(boolean ignore) { return text; }
		// A public class may be called otherwise than the file.
		@Override public boolean isNameCompatible(String simple, Kind kind) { return kind == Kind.SOURCE; }
	}

	static class Made extends SimpleJavaFileObject {
		final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

		Made(String name) { super(URI.create("made:///" + name.replace('.', '/') + ".class"), Kind.CLASS); }
		@Override public OutputStream openOutputStream() { return bytes; }
	}

	static class Manager extends ForwardingJavaFileManager<StandardJavaFileManager> {
		final Map<String, Made> made = new LinkedHashMap<>();

		Manager(StandardJavaFileManager files) { super(files); }

		@Override public JavaFileObject getJavaFileForOutput(Location where, String name, JavaFileObject.Kind kind, FileObject from) {
			return made.computeIfAbsent(name, Made::new);
		}
	}

	// Whether a class file defines public static void main(String[]): its name and type stand in the constant pool,
	// and a method of that name, type and access in its table.
	static boolean hasMain(byte[] file) throws IOException {
		DataInputStream in = new DataInputStream(new ByteArrayInputStream(file));
		in.readInt(); in.readInt();
		int n = in.readUnsignedShort();
		String[] words = new String[n];
		for (int i = 1; i < n; i++) {
			int tag = in.readUnsignedByte();
			switch (tag) {
			case 1: words[i] = in.readUTF(); break;
			case 7: case 8: case 16: case 19: case 20: in.skipBytes(2); break;
			case 15: in.skipBytes(3); break;
			case 5: case 6: in.skipBytes(8); i++; break;
			default: in.skipBytes(4);
			}
		}
		in.skipBytes(6);
		in.skipBytes(2 * in.readUnsignedShort());
		for (int table = 0; table < 2; table++) {
			for (int members = in.readUnsignedShort(); members > 0; members--) {
				int access = in.readUnsignedShort(), name = in.readUnsignedShort(), type = in.readUnsignedShort();
				if (table == 1 && (access & 9) == 9 && "main".equals(words[name]) && "([Ljava/lang/String;)V".equals(words[type]))
					return true;
				for (int attributes = in.readUnsignedShort(); attributes > 0; attributes--) {
					in.skipBytes(2);
					in.skipBytes(in.readInt());
				}
			}
		}
		return false;
	}

	public static void main(String[] args) throws Exception {
		JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
		List<Source> sources = new ArrayList<>();
		for (int i = 0; i < args.length - 1; i++)
			sources.add(new Source(args[i], new String(Files.readAllBytes(Path.of(args[i])), StandardCharsets.UTF_8)));
		StringWriter words = new StringWriter();
		Manager files = new Manager(compiler.getStandardFileManager(null, Locale.ROOT, StandardCharsets.UTF_8));
		boolean ok = compiler.getTask(words, files, null, List.of("-proc:none", "-nowarn", "-g:none", "-implicit:none"), null, sources).call();
		System.err.print(words);
		if (!ok)
			System.exit(1);
		Manifest manifest = new Manifest();
		manifest.getMainAttributes().put(Attributes.Name.MANIFEST_VERSION, "1.0");
		for (Map.Entry<String, Made> one : files.made.entrySet())
			if (hasMain(one.getValue().bytes.toByteArray()) && (manifest.getMainAttributes().getValue("Main-Class") == null || one.getKey().equals("Main")))
				manifest.getMainAttributes().put(Attributes.Name.MAIN_CLASS, one.getKey());
		try (JarOutputStream jar = new JarOutputStream(new FileOutputStream(args[args.length - 1]), manifest)) {
			jar.setLevel(0);
			for (Map.Entry<String, Made> one : files.made.entrySet()) {
				jar.putNextEntry(new JarEntry(one.getKey().replace('.', '/') + ".class"));
				jar.write(one.getValue().bytes.toByteArray());
				jar.closeEntry();
			}
		}
	}
}
